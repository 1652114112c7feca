"""Dice and cross-entropy between logits and labels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

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
    overlap = (probabilities * truth).sum(axes)
    total = probabilities.sum(axes) + truth.sum(axes)
    dice = (2 * overlap + SMOOTH) / (total + SMOOTH).clamp_min(1e-8)
    return 1 - dice.mean()


def cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """Mean cross-entropy over pixels; arguments as for :func:`batch_dice_loss`."""
    return functional.cross_entropy(logits.float(), label.long())


def dice_and_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """nnU-Net's loss: the sum of both; arguments as for :func:`batch_dice_loss`."""
    return batch_dice_loss(logits, label) + cross_entropy(logits, label)


def one_hot(label: Tensor, classes: int) -> Tensor:
    """Mask of each class as float, shape (samples, classes, rows, columns)."""
    values = torch.arange(classes, device=label.device).view(1, -1, 1, 1)
    return (label.unsqueeze(1) == values).float()
