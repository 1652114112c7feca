"""Batches: samples for training and validation, read from disk when their step comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from faircmr.core import InvalidCohortError, generator
from faircmr.core.scans import Phase
from faircmr.segmentation.data.tensors import Array, SubjectTensors, TensorStore, areas_name, image_name, label_name
from faircmr.segmentation.localiser import Box


@dataclass(frozen=True)
class Batch:
    """Samples of one step.

    Attributes:
        image: Shape (samples, channels, rows, columns), float32.
        label: Class of each pixel, uint8, shape (samples, rows, columns).
        keys: Opaque key of each sample's subject.
        step: Step from 0; everything random about the batch is a function of it and the seed.
    """

    image: Tensor
    label: Tensor
    keys: tuple[str, ...]
    step: int

    def part(self, index: int, parts: int) -> Batch:
        """Consecutive samples, such that all parts together are the batch.

        Args:
            index: Which part, from 0.
            parts: How many; their sizes differ by one at most.
        """
        samples = slice(index * len(self.keys) // parts, (index + 1) * len(self.keys) // parts)
        return replace(self, image=self.image[samples], label=self.label[samples], keys=self.keys[samples])


Pair = tuple[int, int]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledSubject:
    """A subject that can be sampled: its tensors on disk, and where its structures are."""

    tensors: SubjectTensors

    @cached_property
    def areas(self) -> dict[Phase, Array]:
        """Pixels of each structure in each slice of each labelled phase; small, kept in memory."""
        return {phase: self.tensors.arrays[areas_name(phase)] for phase in self.tensors.labelled_phases}


@dataclass(frozen=True)
class PatchLocation:
    """One slice, and the pixel that a patch must be centred on, if any."""

    phase: Phase
    slice_index: int
    structure: int | None = None


@dataclass(frozen=True)
class PatchSource:
    """Draws patches from slices of subjects.

    Attributes:
        subjects: Those to draw from.
        keys: Opaque key of each.
        rois: Region of each subject, by study key, to draw from; the full image where there is none.
        patch: Rows and columns that lie inside the region wherever it is large enough and no structure
            must be shown.
        crop: Rows and columns to return around the centre of the patch, zero outside of the image.
        foreground: Share of a batch that is centred on a structure, 0..1.
        purpose: What the samples are for, so that training and validation draw apart.
        seed: Training seed.
    """

    subjects: Sequence[LabelledSubject]
    keys: Sequence[str]
    rois: Mapping[str, Box]
    patch: Pair
    crop: Pair
    foreground: float
    purpose: str
    seed: int

    def batch(self, positions: Positions, step: int) -> Batch:
        """Samples of the subjects at these positions, as a function of seed and step alone.

        Args:
            positions: Which subjects, shape (samples,).
            step: Step from 0.
        """
        rng = generator(self.seed, self.purpose, step)
        forced = foreground_samples(len(positions), self.foreground, rng)
        images = np.empty((len(positions), 1, *self.crop), dtype=np.float32)
        labels = np.empty((len(positions), *self.crop), dtype=np.uint8)
        for sample, position in enumerate(positions):
            subject = self.subjects[position]
            place = (_foreground_location if sample in forced else _random_location)(subject, rng)
            images[sample, 0], labels[sample] = self._crop(subject, place, rng)
        keys = tuple(self.keys[position] for position in positions)
        return Batch(torch.from_numpy(images), torch.from_numpy(labels), keys, step)

    def _crop(self, subject: LabelledSubject, place: PatchLocation, rng: np.random.Generator) -> tuple[Array, Array]:
        names = (image_name(place.phase), label_name(place.phase))
        image, label = subject.tensors.slices_of(names, place.slice_index)
        rows, columns = image.shape
        region = self.rois.get(subject.tensors.subject_id) or Box.whole((rows, columns))
        corner = _draw_corner(region, self.patch, _draw_pixel(label, place.structure, rng), rng)
        top, left = (
            start - (crop - patch) // 2 for start, crop, patch in zip(corner, self.crop, self.patch, strict=True)
        )
        return crop_or_pad(image, (top, left), self.crop), crop_or_pad(label, (top, left), self.crop)


def labelled_subjects(store: TensorStore, subject_ids: Sequence[str]) -> tuple[LabelledSubject, ...]:
    """Subjects of the store by study key, each with at least one labelled phase.

    Raises:
        InvalidCohortError: A subject is not in the store, or nobody labelled it.
    """
    subjects = tuple(LabelledSubject(store.subject(subject_id)) for subject_id in subject_ids)
    for subject in subjects:
        if not subject.areas:
            offender = f"tensors of {subject.tensors.subject_id}"
            raise InvalidCohortError(offender, "no label", "at least one labelled phase to train on", "leave it out")
    return subjects


def foreground_samples(samples: int, share: float, rng: np.random.Generator) -> frozenset[int]:
    """Samples of a batch that must show a structure; as many as nnU-Net forces.

    nnU-Net takes the last ones. Here they are drawn, because slots may belong to keys in a fixed
    order, and no key may have more of them than another.
    """
    count = samples - round(samples * (1 - share))
    return frozenset(rng.permutation(samples)[:count].tolist())


def crop_or_pad(plane: Array, corner: Pair, shape: Pair) -> Array:
    """Part of a plane from a corner that may lie outside of it; zero where the plane has no pixels."""
    part = np.zeros(shape, dtype=plane.dtype)
    spans = [_overlap(start, length, size) for start, length, size in zip(corner, shape, plane.shape, strict=True)]
    (to_rows, from_rows), (to_columns, from_columns) = spans
    part[to_rows, to_columns] = plane[from_rows, from_columns]
    return part


def _overlap(start: int, length: int, size: int) -> tuple[slice, slice]:
    """Where a part that starts at ``start`` meets an axis of this size: in the part, and in the plane."""
    first, last = min(max(start, 0), size), max(min(start + length, size), 0)
    return slice(first - start, max(last, first) - start), slice(first, max(last, first))


def _random_location(subject: LabelledSubject, rng: np.random.Generator) -> PatchLocation:
    phases = list(subject.areas)
    phase = phases[rng.integers(len(phases))]
    return PatchLocation(phase, int(rng.integers(len(subject.areas[phase]))))


def _foreground_location(subject: LabelledSubject, rng: np.random.Generator) -> PatchLocation:
    """A structure of the scan, each as likely; then a slice, as likely as the structure is large there."""
    phases = list(subject.areas)
    phase = phases[rng.integers(len(phases))]
    areas = subject.areas[phase]
    present = np.flatnonzero(areas.sum(axis=0))
    if len(present) == 0:
        return PatchLocation(phase, int(rng.integers(len(areas))))
    structure = int(present[rng.integers(len(present))])
    pixels = areas[:, structure] / areas[:, structure].sum()
    return PatchLocation(phase, int(rng.choice(len(areas), p=pixels)), structure + 1)


def _draw_pixel(label: Array, structure: int | None, rng: np.random.Generator) -> Pair | None:
    if structure is None:
        return None
    pixels = np.flatnonzero(label == structure)
    row, column = divmod(int(pixels[rng.integers(len(pixels))]), label.shape[1])
    return row, column


def _draw_corner(region: Box, patch: Pair, pixel: Pair | None, rng: np.random.Generator) -> Pair:
    """Corner of a patch inside the region, in its middle where the region is smaller than the patch.

    A patch that must show a pixel is centred on it, and begins no earlier than the region, but may end
    behind it: nnU-Net's rule, by which hearts are shifted also in images no larger than the patch.

    Source:
        nnU-Net v2 ``nnUNetDataLoader.get_bbox``.
    """
    corner = []
    for axis, (start, size, length) in enumerate(zip(region.corner, region.shape, patch, strict=True)):
        room = size - length
        first = start + min(room // 2, 0)
        if pixel is not None:
            corner.append(max(first, pixel[axis] - length // 2))
        else:
            corner.append(first + int(rng.integers(max(room, 0) + 1)))
    return corner[0], corner[1]
