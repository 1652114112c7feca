"""How well a network does on validation samples while it trains."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from faircmr.segmentation.batches import Batch
from faircmr.segmentation.devices import forward_pass
from faircmr.segmentation.losses import one_hot
from faircmr.segmentation.networks import SegmentationNetwork
from faircmr.segmentation.parameters import Precision
from faircmr.segmentation.ranks import part_of, total


def validation_dsc(network: SegmentationNetwork, batches: Iterable[Batch], precision: Precision) -> float:
    """Dice of each structure over all pixels of all batches together, averaged over structures.

    A guide during training (nnU-Net's pseudo Dice), not a result: results are scored by subject on
    the source's grid.

    Args:
        network: Left in training mode.
        batches: On the network's device.
        precision: Of the forward pass.

    Returns:
        A number in 0..1; a structure that is in no batch and nowhere predicted does not count,
        and where that is all of them, the prediction is perfect.
    """
    network.eval()
    with torch.inference_mode():
        parts = map(part_of, batches)
        counts = [_counts(forward_pass(network, part.image, precision)[0], part.label) for part in parts]
        overlap, sizes = total(torch.stack(counts).sum(dim=0))
    network.train()
    seen = sizes > 0
    return float((2 * overlap[seen] / sizes[seen]).mean()) if seen.any() else 1.0


def _counts(logits: Tensor, label: Tensor) -> Tensor:
    """Pixels in common, and pixels of both, of each structure, shape (2, structures)."""
    classes = logits.shape[1]
    predicted, truth = (one_hot(mask, classes)[:, 1:].double() for mask in (logits.argmax(dim=1), label))
    axes = (0, 2, 3)
    return torch.stack([(predicted * truth).sum(axes), predicted.sum(axes) + truth.sum(axes)])
