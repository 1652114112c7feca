"""How well a network does on validation samples while it trains."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import torch
from torch import Tensor

from faircmr.segmentation.batches import Batch
from faircmr.segmentation.devices import forward_pass
from faircmr.segmentation.losses import one_hot
from faircmr.segmentation.networks import SegmentationNetwork
from faircmr.segmentation.parameters import Precision
from faircmr.segmentation.ranks import part_of, total


@dataclass(frozen=True)
class Validation:
    """A guide during training, not a result: results are scored by subject on the source's grid.

    Attributes:
        dsc: Dice of each structure over all pixels of all samples together, averaged over structures, 0..1
            (nnU-Net's pseudo Dice).
        by_subject: The same over the samples of each subject, by study key; subjects without a sample are left out.
    """

    dsc: float
    by_subject: Mapping[str, float]


def validate(
    network: SegmentationNetwork, batches: Iterable[Batch], subjects: Sequence[str], precision: Precision
) -> Validation:
    """Dice of a network on validation samples.

    Args:
        network: Left in training mode.
        batches: On the network's device.
        subjects: Study keys; the samples of all batches are theirs in turn.
        precision: Of the forward pass.

    Returns:
        Numbers in 0..1; a structure that is in no sample and nowhere predicted does not count, and where that is all
        of them, the prediction is perfect.
    """
    places = {subject: place for place, subject in enumerate(subjects)}
    turns, seen = cycle(subjects), set[str]()
    counts = []
    network.eval()
    with torch.inference_mode():
        for batch in batches:
            named = replace(batch, keys=tuple(islice(turns, len(batch.keys))))
            seen.update(named.keys)
            part = part_of(named)
            found = _counts(forward_pass(network, part.image, precision)[0], part.label)
            rows = torch.tensor([places[one] for one in part.keys], device=found.device)
            counts.append(found.new_zeros(len(subjects), *found.shape[1:]).index_add_(0, rows, found))
        # counts of pixels are whole numbers, so that no order of additions changes them
        table = total(torch.stack(counts).sum(dim=0)).cpu()
    network.train()
    return Validation(_dice(table.sum(dim=0)), {one: _dice(table[places[one]]) for one in subjects if one in seen})


def _dice(counts: Tensor) -> float:
    overlap, sizes = counts
    seen = sizes > 0
    return float((2 * overlap[seen] / sizes[seen]).mean()) if seen.any() else 1.0


def _counts(logits: Tensor, label: Tensor) -> Tensor:
    """Pixels in common, and pixels of both, of each sample and structure, shape (samples, 2, structures)."""
    classes = logits.shape[1]
    predicted, truth = (one_hot(mask, classes)[:, 1:].double() for mask in (logits.argmax(dim=1), label))
    axes = (2, 3)
    return torch.stack([(predicted * truth).sum(axes), predicted.sum(axes) + truth.sum(axes)], dim=1)
