"""Training and validation batches of a fit, and the validation Dice of its network."""

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
from faircmr.segmentation.training.devices import all_reduce_sum, cpu_threads, forward_pass, local_samples
from faircmr.segmentation.training.jobs import FitJob
from faircmr.segmentation.training.losses import one_hot

Sampler = Callable[[Sequence[str], int, int, int], Positions]


@dataclass(frozen=True)
class TrainingData:
    """Augmented training batches and unchanged validation batches on the training device."""

    job: FitJob
    sampler: Sampler
    training: PatchSource
    validation: PatchSource
    device: torch.device

    @property
    def has_validation_subjects(self) -> bool:
        """Whether there are validation subjects."""
        return len(self.validation.subjects) > 0

    def batch(self, step: int) -> Batch:
        """Training batch of a step."""
        plans, seed = self.job.plans, self.job.seed
        # a second thread does not speed up such small arrays, and waiting for it can be slow
        with cpu_threads(1):
            batch = self._on_device(self.training.batch(self._positions(step), step))
            return augment(batch, plans.patch, self.job.training.augmentation, seed)

    def subjects(self, step: int) -> tuple[str, ...]:
        """Study keys of the distinct subjects in the training batch of a step."""
        return tuple(self.job.training_subjects[position] for position in np.unique(self._positions(step)))

    def validation_batches(self) -> Iterator[Batch]:
        """Validation batches, the same at every call; they take the subjects in turn."""
        size, subjects = self.job.plans.batch_size, len(self.validation.subjects)
        for step in range(self.job.training.validation_batches):
            positions = np.arange(step * size, (step + 1) * size) % subjects
            yield self._on_device(self.validation.batch(positions, step))

    def _positions(self, step: int) -> Positions:
        return self.sampler(self.job.subject_strata, self.job.plans.batch_size, self.job.seed, step)

    def _on_device(self, batch: Batch) -> Batch:
        return replace(batch, image=batch.image.to(self.device), label=batch.label.to(self.device))


def open_training_data(job: FitJob, store: TensorStore, device: torch.device) -> TrainingData:
    """Open the training and validation data of a job.

    Raises:
        InvalidCohortError: A subject has no tensors or no label.
        InvalidParameterError: The sampler of the job cannot be imported.
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
    """Validation Dice during training. It is not a result: results are scored for each subject on the source's grid.

    Attributes:
        dsc: Dice of each structure over all pixels of all samples, averaged over structures, 0..1
            (nnU-Net's pseudo Dice).
        by_subject: The same over the samples of each subject, by study key; subjects without a sample are left out.
    """

    dsc: float
    by_subject: Mapping[str, float]


def validate(
    network: SegmentationNetwork, batches: Iterable[Batch], subjects: Sequence[str], precision: Precision
) -> Validation:
    """Compute the Dice of a network on validation samples.

    Args:
        network: Is in training mode afterwards.
        batches: On the network's device.
        subjects: Study keys; the samples of all batches belong to them in turn.
        precision: Of the forward pass.

    Returns:
        Values in 0..1. Structures that are neither in the labels nor in the predictions are left out; if all are, the
        value is 1.
    """
    positions = {subject: position for position, subject in enumerate(subjects)}
    turns, seen = cycle(subjects), set[str]()
    counts = []
    network.eval()
    with torch.inference_mode():
        for batch in batches:
            named = replace(batch, keys=tuple(islice(turns, len(batch.keys))))
            seen.update(named.keys)
            local = local_samples(named)
            samples = _overlap_and_sizes(forward_pass(network, local.image, precision)[0], local.label)
            rows = torch.tensor([positions[key] for key in local.keys], device=samples.device)
            counts.append(samples.new_zeros(len(subjects), *samples.shape[1:]).index_add_(0, rows, samples))
        # pixel counts are whole numbers, so the order of additions does not matter
        table = all_reduce_sum(torch.stack(counts).sum(dim=0)).cpu()
    network.train()
    return Validation(_dice(table.sum(dim=0)), {key: _dice(table[positions[key]]) for key in subjects if key in seen})


def _dice(counts: Tensor) -> float:
    overlap, sizes = counts
    present = sizes > 0
    return float((2 * overlap[present] / sizes[present]).mean()) if present.any() else 1.0


def _overlap_and_sizes(logits: Tensor, label: Tensor) -> Tensor:
    """Overlap, and sum of both sizes, in pixels for each sample and structure, shape (samples, 2, structures)."""
    classes = logits.shape[1]
    predicted, truth = (one_hot(mask, classes)[:, 1:].double() for mask in (logits.argmax(dim=1), label))
    axes = (2, 3)
    return torch.stack([(predicted * truth).sum(axes), predicted.sum(axes) + truth.sum(axes)], dim=1)
