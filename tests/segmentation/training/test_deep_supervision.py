"""Deep supervision: weights and grids of the heads."""

import pytest
import torch

from faircmr.segmentation.training import deep_supervision
from faircmr.segmentation.training.losses import downsampled_label, head_weights


@pytest.mark.parametrize(
    ("heads", "weights"),
    # nnU-Net v2 `_build_loss`: 1 / 2**i, the lowest 0, divided by the sum (five resolutions have four weights)
    [(1, (1.0,)), (2, (2 / 3, 1 / 3)), (3, (4 / 7, 2 / 7, 1 / 7)), (4, (8 / 15, 4 / 15, 2 / 15, 1 / 15))],
)
def test_weights_halve_and_sum_to_one(heads: int, weights: tuple[float, ...]):
    assert head_weights(heads) == pytest.approx(weights)


def test_is_the_weighted_sum_over_heads():
    heads = [torch.full((1, 2, 4, 4), 3.0), torch.full((1, 2, 2, 2), 6.0)]
    seen = []

    def loss(logits: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
        seen.append((tuple(logits.shape[2:]), tuple(label.shape[1:])))
        return logits.mean()

    assert deep_supervision(loss, heads, torch.zeros(1, 4, 4, dtype=torch.uint8)) == pytest.approx(4.0)
    assert seen == [((4, 4), (4, 4)), ((2, 2), (2, 2))]


def test_a_reduced_label_keeps_its_values_and_its_place():
    label = torch.zeros(1, 8, 8, dtype=torch.uint8)
    label[:, 4:, :4] = 3

    small = downsampled_label(label, (4, 4))

    assert small.dtype == torch.uint8
    assert small[0].tolist() == [[0] * 4] * 2 + [[3, 3, 0, 0]] * 2
    assert downsampled_label(label, (8, 8)) is label


def test_a_batch_without_a_sample_has_a_label_at_every_resolution():
    assert downsampled_label(torch.zeros(0, 8, 8, dtype=torch.uint8), (4, 4)).shape == (0, 4, 4)
