"""Dice and cross-entropy between logits and labels, over the samples of all processes of a fit together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from faircmr.segmentation.ranks import total

SMOOTH = 1e-5


def batch_dice_loss(logits: Tensor, label: Tensor) -> Tensor:
    """One minus the soft Dice of the structures, over all pixels of the batch together.

    Args:
        logits: Shape (samples, classes, rows, columns).
        label: Class of each pixel, integer, shape (samples, rows, columns).

    Returns:
        A scalar in 0..1, the mean over structures (the background does not count). Small slices
        weigh less than in a Dice a sample, and a structure that is absent from one slice does no
        harm.

    Source:
        Isensee et al. 2021; nnU-Net v2 ``MemoryEfficientSoftDiceLoss(batch_dice=True, do_bg=False)``
        with its ``smooth`` of 1e-5.
    """
    probabilities = logits.float().softmax(dim=1)[:, 1:]
    truth = one_hot(label, logits.shape[1])[:, 1:]
    axes = (0, 2, 3)
    sizes = probabilities.sum(axes) + truth.sum(axes)
    sums = total(torch.stack([(probabilities * truth).sum(axes), sizes]))
    dice = (2 * sums[0] + SMOOTH) / (sums[1] + SMOOTH).clamp_min(1e-8)
    return 1 - dice.mean()


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """Mean cross-entropy over pixels; arguments as for :func:`batch_dice_loss`."""
    summed = functional.cross_entropy(logits.float(), label.long(), reduction="sum")
    sums = total(torch.stack([summed, summed.new_full((), label.numel())]))
    return sums[0] / sums[1]


def dice_and_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """nnU-Net's loss: the sum of both; arguments as for :func:`batch_dice_loss`."""
    return batch_dice_loss(logits, label) + cross_entropy(logits, label)


def one_hot(label: Tensor, classes: int) -> Tensor:
    """Mask of each class as float, shape (samples, classes, rows, columns)."""
    values = torch.arange(classes, device=label.device).view(1, -1, 1, 1)
    return (label.unsqueeze(1) == values).float()
