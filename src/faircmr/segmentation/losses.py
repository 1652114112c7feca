"""Dice and cross-entropy between logits and labels, over the samples of all processes of a fit together.

A sample may have a weight: it counts as that many equal samples would. Several rows of weights give as many losses at
the cost of one, as for the groups of a batch. A batch without a sample, or whose samples have no weight, costs nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from faircmr.segmentation.ranks import total

SMOOTH = 1e-5
SMALLEST = 1e-8
"""Keeps what is divided by above zero."""


def batch_dice_loss(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """One minus the soft Dice of the structures, over all pixels of the batch together.

    Args:
        logits: Shape (samples, classes, rows, columns).
        label: Class of each pixel, integer, shape (samples, rows, columns).
        weight: Of each sample, not negative, shape (samples,) or (rows, samples); 1 where there is none.

    Returns:
        A scalar, or one for each row of weights, in 0..1: the mean over structures (the background does not
        count). Small slices weigh less than in a Dice a sample, and a structure that is absent from one slice
        does no harm.

    Source:
        Isensee et al. 2021; nnU-Net v2 ``MemoryEfficientSoftDiceLoss(batch_dice=True, do_bg=False)``
        with its ``smooth`` of 1e-5.
    """
    probabilities = logits.float().softmax(dim=1)[:, 1:]
    truth = one_hot(label, logits.shape[1])[:, 1:]
    sizes = _summed(probabilities, weight) + _summed(truth, weight)
    sums = total(torch.stack([_summed(probabilities * truth, weight), sizes]))
    dice = (2 * sums[0] + SMOOTH) / (sums[1] + SMOOTH).clamp_min(SMALLEST)
    return 1 - dice.mean(dim=-1)


def cross_entropy(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over pixels; arguments as for :func:`batch_dice_loss`."""
    if weight is None:
        summed = functional.cross_entropy(logits.float(), label.long(), reduction="sum")
        pixels = summed.new_full((), label.numel())
    else:
        each = functional.cross_entropy(logits.float(), label.long(), reduction="none")
        summed, pixels = weight @ each.sum((1, 2)), weight.sum(dim=-1) * label.shape[1:].numel()
    sums = total(torch.stack([summed, pixels]))
    return sums[0] / sums[1].clamp_min(SMALLEST)


def dice_and_cross_entropy(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """nnU-Net's loss: the sum of both; arguments as for :func:`batch_dice_loss`."""
    return batch_dice_loss(logits, label, weight) + cross_entropy(logits, label, weight)


def _summed(values: Tensor, weight: Tensor | None) -> Tensor:
    """Sum over samples and pixels of each channel, shape (channels,) or (rows, channels)."""
    return values.sum((0, 2, 3)) if weight is None else weight @ values.sum((2, 3))


def one_hot(label: Tensor, classes: int) -> Tensor:
    """Mask of each class as float, shape (samples, classes, rows, columns)."""
    values = torch.arange(classes, device=label.device).view(1, -1, 1, 1)
    return (label.unsqueeze(1) == values).float()
