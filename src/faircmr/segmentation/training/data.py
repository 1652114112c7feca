"""The batches that a fit trains on, and how well its network does on validation samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import numpy as np
import torch
from torch import Tensor

from faircmr.segmentation import Precision
from faircmr.segmentation.data import Batch, PatchSource, Positions, TensorStore, augment, crop_shape, labelled_subjects
from faircmr.segmentation.network import SegmentationNetwork
from faircmr.segmentation.training.devices import cpu_threads, forward_pass, part_of, total
from faircmr.segmentation.training.jobs import FitJob
from faircmr.segmentation.training.losses import one_hot

Sampler = Callable[[Sequence[str], int, int, int], Positions]


@dataclass(frozen=True)
class TrainingData:
    """Augmented training batches and plain validation batches on the training device."""

    job: FitJob
    sampler: Sampler
    training: PatchSource
    validation: PatchSource
    device: torch.device

    @property
    def validated(self) -> bool:
        """Whether there is anybody to validate on."""
        return len(self.validation.subjects) > 0

    def batch(self, step: int) -> Batch:
        """Training batch of a step."""
        plans, seed = self.job.plans, self.job.seed
        # arrays this small gain nothing from a second thread, and lose much where it has to be waited for
        with cpu_threads(1):
            batch = self._on_device(self.training.batch(self._positions(step), step))
            return augment(batch, plans.patch, self.job.training.augmentation, seed)

    def subjects(self, step: int) -> tuple[str, ...]:
        """Study keys of the subjects in the training batch of a step, each once."""
        return tuple(self.job.training_subjects[position] for position in np.unique(self._positions(step)))

    def validation_batches(self) -> Iterator[Batch]:
        """The same validation batches every time, subjects in turn."""
        size, subjects = self.job.plans.batch_size, len(self.validation.subjects)
        for step in range(self.job.training.validation_batches):
            positions = np.arange(step * size, (step + 1) * size) % subjects
            yield self._on_device(self.validation.batch(positions, step))

    def _positions(self, step: int) -> Positions:
        return self.sampler(self.job.subject_strata, self.job.plans.batch_size, self.job.seed, step)

    def _on_device(self, batch: Batch) -> Batch:
        return replace(batch, image=batch.image.to(self.device), label=batch.label.to(self.device))


def open_data(job: FitJob, store: TensorStore, device: torch.device) -> TrainingData:
    """Data of a job.

    Raises:
        InvalidCohortError: A subject has no tensors or no label.
        InvalidParameterError: The job's sampler cannot be imported.
    """
    training = PatchSource(
        subjects=labelled_subjects(store, job.training_subjects),
        keys=job.subject_keys,
        rois=job.rois,
        patch=job.plans.patch,
        crop=crop_shape(job.plans.patch, job.training.augmentation),
        foreground=job.training.foreground_oversampling,
        purpose="training",
        seed=job.seed,
    )
    validation = replace(
        training,
        subjects=labelled_subjects(store, job.validation_subjects),
        keys=("",) * len(job.validation_subjects),
        crop=job.plans.patch,
        purpose="validation",
    )
    return TrainingData(job, job.sampler.load(), training, validation, device)


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
