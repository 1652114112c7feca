"""Losses: Dice and cross-entropy at every resolution, and the objective that training minimises.

A sample of weight w counts like w equal samples. Several rows of weights, such as one for each group, give one loss
each at the cost of one. A batch without samples, or whose weights are all 0, has loss 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from faircmr.segmentation import Precision
from faircmr.segmentation.data import Batch
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training.devices import all_reduce_sum, forward_pass

SMOOTH = 1e-5
SMALLEST_DIVISOR = 1e-8
"""Lower bound of divisors, against division by zero."""


def batch_dice_loss(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """One minus the soft Dice of the structures, over all pixels of the batch.

    Args:
        logits: Shape (samples, classes, rows, columns).
        label: Class of each pixel, integer, shape (samples, rows, columns).
        weight: Of each sample, not negative, shape (samples,) or (rows, samples); by default 1.

    Returns:
        A scalar, or one value for each row of weights, in 0..1: the mean over structures without the background.
        Compared with a Dice for each sample, small structures in single slices weigh less, and a structure may be
        absent from a slice.

    Source:
        Isensee et al. 2021; nnU-Net v2 ``MemoryEfficientSoftDiceLoss(batch_dice=True, do_bg=False)``
        with its ``smooth`` of 1e-5.
    """
    probabilities = logits.float().softmax(dim=1)[:, 1:]
    truth = one_hot(label, logits.shape[1])[:, 1:]
    sizes = _weighted_sum(probabilities, weight) + _weighted_sum(truth, weight)
    sums = all_reduce_sum(torch.stack([_weighted_sum(probabilities * truth, weight), sizes]))
    dice = (2 * sums[0] + SMOOTH) / (sums[1] + SMOOTH).clamp_min(SMALLEST_DIVISOR)
    return 1 - dice.mean(dim=-1)


def cross_entropy(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean cross-entropy over pixels; same arguments as :func:`batch_dice_loss`."""
    if weight is None:
        summed = functional.cross_entropy(logits.float(), label.long(), reduction="sum")
        pixels = summed.new_full((), label.numel())
    else:
        by_pixel = functional.cross_entropy(logits.float(), label.long(), reduction="none")
        summed, pixels = weight @ by_pixel.sum((1, 2)), weight.sum(dim=-1) * label.shape[1:].numel()
    sums = all_reduce_sum(torch.stack([summed, pixels]))
    return sums[0] / sums[1].clamp_min(SMALLEST_DIVISOR)


def dice_and_cross_entropy(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """nnU-Net's loss, the sum of both; same arguments as :func:`batch_dice_loss`."""
    return batch_dice_loss(logits, label, weight) + cross_entropy(logits, label, weight)


def _weighted_sum(values: Tensor, weight: Tensor | None) -> Tensor:
    """Sum over samples and pixels of each channel, shape (channels,) or (rows, channels)."""
    return values.sum((0, 2, 3)) if weight is None else weight @ values.sum((2, 3))


def one_hot(label: Tensor, classes: int) -> Tensor:
    """Mask of each class as float, shape (samples, classes, rows, columns)."""
    values = torch.arange(classes, device=label.device).view(1, -1, 1, 1)
    return (label.unsqueeze(1) == values).float()


Loss = Callable[[Tensor, Tensor], Tensor]


def head_weights(heads: int) -> tuple[float, ...]:
    """Weights 1, 1/2, 1/4, ... from the full resolution down, divided by their sum.

    Source:
        nnU-Net v2 ``_build_loss``. There the lowest resolution has weight 0; here that head does not exist
        (:attr:`Plans.deep_supervision_heads` counts the heads with a weight).
    """
    weights = [0.5**head for head in range(heads)]
    return tuple(weight / sum(weights) for weight in weights)


def deep_supervision(loss: Loss, heads: Sequence[Tensor], label: Tensor) -> Tensor:
    """Weighted sum of a loss over all heads.

    Args:
        loss: Function of logits and label at one resolution.
        heads: Logits, full resolution first.
        label: Integer, shape (samples, rows, columns); downsampled to each head's grid by nearest neighbour.
    """
    terms = [
        weight * loss(logits, downsampled_label(label, logits.shape[2:]))
        for weight, logits in zip(head_weights(len(heads)), heads, strict=True)
    ]
    return sum(terms[1:], start=terms[0])


def downsampled_label(label: Tensor, shape: Sequence[int]) -> Tensor:
    """Label on a coarser grid, by the pixel nearest to the centre of each cell."""
    if label.shape[1:] == tuple(shape):
        return label
    # interpolate does not support int64
    mask = label.unsqueeze(1).float()
    return functional.interpolate(mask, size=list(shape), mode="nearest-exact").squeeze(1).to(label.dtype)


class BatchLoss(nn.Module):
    """Network and objective as one module that maps a batch to its loss.

    Args:
        network: Maps images to heads.
        objective: Maps heads and batch to the loss.
        precision: Of the network's forward pass.
    """

    def __init__(self, network: nn.Module, objective: nn.Module, precision: Precision) -> None:
        super().__init__()
        self.network, self.objective, self.precision = network, objective, precision

    def forward(self, batch: Batch) -> Tensor:
        """Loss of one batch, a scalar."""
        loss: Tensor = self.objective(forward_pass(self.network, batch.image, self.precision), batch)
        return loss


class SegmentationObjective(nn.Module):
    """Batch Dice and cross-entropy with deep supervision.

    Every objective is a module that is built from the plans and its own keyword arguments. Its parameters are
    trained with the network, and its buffers are in every checkpoint.

    On several devices an objective sees only the samples of its rank: it must compute its loss and
    buffers from :func:`~faircmr.segmentation.training.all_reduce_sum` of sums and counts.

    Args:
        plans: Plans of the study; not used by this objective.
    """

    def __init__(self, plans: Plans) -> None:
        super().__init__()
        self.plans = plans

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        """Loss of one batch, a scalar.

        Args:
            heads: Logits of the network, full resolution first.
            batch: The batch of these logits.
        """
        return deep_supervision(dice_and_cross_entropy, heads, batch.label)
