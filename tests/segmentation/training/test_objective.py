"""The default objective is nnU-Net's loss over all heads."""

import torch

from faircmr.segmentation.data import Batch
from faircmr.segmentation.training import dice_and_cross_entropy
from faircmr.segmentation.training.losses import SegmentationObjective
from tests.segmentation.phantoms import plans_of


def test_weighs_the_full_resolution_twice_as_much_as_the_next():
    heads = [torch.randn(2, 4, 8, 8), torch.randn(2, 4, 4, 4)]
    label = torch.randint(0, 4, (2, 8, 8))
    batch = Batch(torch.zeros(2, 1, 8, 8), label, ("", ""), step=0)

    loss = SegmentationObjective(plans_of())(heads, batch)

    full, half = dice_and_cross_entropy(heads[0], label), dice_and_cross_entropy(heads[1], label[:, 1::2, 1::2])
    torch.testing.assert_close(loss, (2 * full + half) / 3)


def test_has_nothing_to_learn_or_remember():
    assert not SegmentationObjective(plans_of()).state_dict()
