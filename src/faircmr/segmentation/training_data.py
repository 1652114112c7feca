"""The batches of one fit: each a function of the seed and its step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from faircmr.segmentation.augmentation import augment
from faircmr.segmentation.batches import Batch
from faircmr.segmentation.data import PatchSource, Positions, labelled_subjects
from faircmr.segmentation.devices import cpu_threads
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.spatial import crop_shape
from faircmr.segmentation.tensors import TensorStore

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
