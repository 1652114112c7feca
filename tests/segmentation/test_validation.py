"""The validation DSC counts pixels of all samples together."""

import pytest
import torch
from torch import nn

from faircmr.segmentation.batches import Batch
from faircmr.segmentation.losses import one_hot
from faircmr.segmentation.parameters import Precision
from faircmr.segmentation.validation import validation_dsc

FULL: Precision = "full"


class Predicting(nn.Module):
    """Predicts the label that the image holds."""

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        assert not self.training
        return [one_hot(image[:, 0].long(), 4)]


def batch_of(predicted: list[int], label: list[int]) -> Batch:
    image = torch.tensor(predicted, dtype=torch.float32).reshape(1, 1, 1, -1)
    return Batch(image, torch.tensor(label, dtype=torch.uint8).reshape(1, 1, -1), ("",), 0)


def test_is_the_mean_over_structures_of_the_dice_over_all_batches():
    network = Predicting().train()
    batches = [batch_of([1, 1, 0, 2], [1, 0, 0, 2]), batch_of([1, 0, 0, 0], [1, 1, 0, 2])]

    # structure 1: 2 in common, 3 predicted, 3 true; structure 2: 1, 1, 2; structure 3 is nowhere
    assert validation_dsc(network, batches, FULL) == pytest.approx((4 / 6 + 2 / 3) / 2)
    assert network.training, "training goes on"


def test_a_structure_that_is_missed_or_invented_counts_as_zero():
    assert validation_dsc(Predicting(), [batch_of([1, 0], [1, 3])], FULL) == pytest.approx(0.5)
    assert validation_dsc(Predicting(), [batch_of([1, 3], [1, 0])], FULL) == pytest.approx(0.5)


def test_nothing_to_find_and_nothing_found_is_perfect():
    assert validation_dsc(Predicting(), [batch_of([0, 0], [0, 0])], FULL) == 1.0
