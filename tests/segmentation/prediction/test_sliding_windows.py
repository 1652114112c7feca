"""Sliding windows cover the whole image, stay inside it, and are combined as in MONAI."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data.utils import compute_importance_map
from monai.inferers import sliding_window_inference

from faircmr.segmentation.prediction.inference import gaussian_weights, sliding_window_logits, window_starts

CLASSES = 4


def any_network(window: torch.Tensor) -> torch.Tensor:
    """Depends on the place in the window, as a network's borders do."""
    place = torch.linspace(-1, 1, window.shape[-1]) + torch.linspace(0, 2, window.shape[-2])[:, None]
    return torch.cat([window * (1 + number) + number * place for number in range(CLASSES)], dim=1)


@given(size=st.integers(1, 300), window=st.integers(1, 200), overlap=st.floats(0, 0.9))
def test_windows_cover_every_pixel_and_overlap_as_asked(size, window, overlap):
    size = max(size, window)

    starts = window_starts(size, window, overlap)

    assert (starts[0], starts[-1]) == (0, size - window)
    steps = [later - earlier for earlier, later in pairwise(starts)]
    assert all(0 <= step <= window * (1 - overlap) + 1 for step in steps)
    # evenly spread: rounding alone makes a difference
    assert max(steps, default=0) - min(steps, default=0) <= 1


def test_windows_stand_where_nnunet_puts_them():
    # the example in nnU-Net's compute_steps_for_sliding_window
    assert window_starts(110, 64, 0.5) == (0, 23, 46)


@pytest.mark.parametrize("window", [(16, 16), (128, 96), (7, 16)])
def test_weights_are_those_of_monai(window):
    reference = compute_importance_map(window, mode="gaussian", sigma_scale=0.125)

    torch.testing.assert_close(gaussian_weights(window), reference)


@pytest.mark.parametrize(
    # sizes at which the windows of MONAI, which shifts its last, stand evenly too
    ("size", "overlap"),
    [((16, 16), 0.5), ((24, 16), 0.5), ((40, 24), 0.5), ((28, 20), 0.75), ((32, 48), 0.0)],
)
def test_joins_windows_as_monai_does(size, overlap):
    planes = torch.randn(3, 1, *size, generator=torch.Generator().manual_seed(0))

    logits = sliding_window_logits(planes, (16, 16), overlap, 5, CLASSES, any_network)

    reference = sliding_window_inference(planes, (16, 16), 4, any_network, overlap, mode="gaussian")
    torch.testing.assert_close(logits, reference, atol=1e-4, rtol=1e-4)


def test_windows_of_all_slices_go_through_the_network_together():
    seen = []

    def counting(window: torch.Tensor) -> torch.Tensor:
        seen.append(len(window))
        return any_network(window)

    sliding_window_logits(torch.zeros(5, 1, 24, 16), (16, 16), 0.5, 4, CLASSES, counting)

    assert seen == [4, 4, 2]
