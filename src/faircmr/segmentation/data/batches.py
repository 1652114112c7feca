"""Batches of patches for training and validation, read from disk at each step."""

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
        step: Step from 0; it and the seed determine all random choices of the batch.
    """

    image: Tensor
    label: Tensor
    keys: tuple[str, ...]
    step: int

    def part(self, index: int, parts: int) -> Batch:
        """One of several parts of consecutive samples; together the parts are the batch.

        Args:
            index: Of the part, from 0.
            parts: Number of parts; their sizes differ by at most one.
        """
        samples = slice(index * len(self.keys) // parts, (index + 1) * len(self.keys) // parts)
        return replace(self, image=self.image[samples], label=self.label[samples], keys=self.keys[samples])


Pair = tuple[int, int]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledSubject:
    """A subject to sample from: its tensors on disk, and the pixel counts of its structures."""

    tensors: SubjectTensors

    @cached_property
    def areas(self) -> dict[Phase, Array]:
        """Pixel counts by slice and structure of each labelled phase; small, so kept in memory."""
        return {phase: self.tensors.arrays[areas_name(phase)] for phase in self.tensors.labelled_phases}


@dataclass(frozen=True)
class PatchLocation:
    """A slice, and optionally the structure that a patch must be centred on."""

    phase: Phase
    slice_index: int
    structure: int | None = None


@dataclass(frozen=True)
class PatchSource:
    """Draws patches from slices of subjects.

    Attributes:
        subjects: Subjects to draw from.
        keys: Opaque key of each subject.
        rois: Region of each subject to draw from, by study key; the full image for subjects without one.
        patch: Rows and columns. Patches that are not centred on a structure are inside the region if it is
            large enough.
        crop: Rows and columns to return around the centre of the patch, zero outside of the image.
        foreground: Share of a batch that is centred on a structure, 0..1.
        purpose: ``training`` or ``validation``; gives both different random draws.
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
        """Draw samples of the subjects at these positions; depends only on seed and step.

        Args:
            positions: Positions in ``subjects``, shape (samples,).
            step: Step from 0.
        """
        rng = generator(self.seed, self.purpose, step)
        forced = foreground_samples(len(positions), self.foreground, rng)
        images = np.empty((len(positions), 1, *self.crop), dtype=np.float32)
        labels = np.empty((len(positions), *self.crop), dtype=np.uint8)
        for sample, position in enumerate(positions):
            subject = self.subjects[position]
            location = (_foreground_location if sample in forced else _random_location)(subject, rng)
            images[sample, 0], labels[sample] = self._crop(subject, location, rng)
        keys = tuple(self.keys[position] for position in positions)
        return Batch(torch.from_numpy(images), torch.from_numpy(labels), keys, step)

    def _crop(self, subject: LabelledSubject, location: PatchLocation, rng: np.random.Generator) -> tuple[Array, Array]:
        names = (image_name(location.phase), label_name(location.phase))
        image, label = subject.tensors.slices_of(names, location.slice_index)
        rows, columns = image.shape
        region = self.rois.get(subject.tensors.subject_id) or Box.whole((rows, columns))
        corner = _draw_corner(region, self.patch, _draw_pixel(label, location.structure, rng), rng)
        top, left = (
            start - (crop - patch) // 2 for start, crop, patch in zip(corner, self.crop, self.patch, strict=True)
        )
        return crop_or_pad(image, (top, left), self.crop), crop_or_pad(label, (top, left), self.crop)


def labelled_subjects(store: TensorStore, subject_ids: Sequence[str]) -> tuple[LabelledSubject, ...]:
    """Subjects of the store by study key, each with at least one labelled phase.

    Raises:
        InvalidCohortError: A subject is not in the store, or has no label.
    """
    subjects = tuple(LabelledSubject(store.subject(subject_id)) for subject_id in subject_ids)
    for subject in subjects:
        if not subject.areas:
            offender = f"tensors of {subject.tensors.subject_id}"
            raise InvalidCohortError(offender, "no label", "at least one labelled phase", "leave the subject out")
    return subjects


def foreground_samples(samples: int, share: float, rng: np.random.Generator) -> frozenset[int]:
    """Draw the samples of a batch that must show a structure; as many as in nnU-Net.

    nnU-Net takes the last samples of the batch. Here they are drawn at random, because the keys of the samples
    may have a fixed order, and all keys must have the same chance.
    """
    count = samples - round(samples * (1 - share))
    return frozenset(rng.permutation(samples)[:count].tolist())


def crop_or_pad(plane: Array, corner: Pair, shape: Pair) -> Array:
    """Crop a plane from a corner, which may be outside of it; zero outside of the plane."""
    crop = np.zeros(shape, dtype=plane.dtype)
    spans = [_overlap(start, length, size) for start, length, size in zip(corner, shape, plane.shape, strict=True)]
    (to_rows, from_rows), (to_columns, from_columns) = spans
    crop[to_rows, to_columns] = plane[from_rows, from_columns]
    return crop


def _overlap(start: int, length: int, size: int) -> tuple[slice, slice]:
    """Overlap of a crop that begins at ``start`` with an axis of this size, as slices of the crop and of the plane."""
    first, last = min(max(start, 0), size), max(min(start + length, size), 0)
    return slice(first - start, max(last, first) - start), slice(first, max(last, first))


def _random_location(subject: LabelledSubject, rng: np.random.Generator) -> PatchLocation:
    phases = list(subject.areas)
    phase = phases[rng.integers(len(phases))]
    return PatchLocation(phase, int(rng.integers(len(subject.areas[phase]))))


def _foreground_location(subject: LabelledSubject, rng: np.random.Generator) -> PatchLocation:
    """Draw a structure of the scan uniformly, then a slice with probability proportional to its area there."""
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
    """Draw the corner of a patch inside the region; centred if the region is smaller than the patch.

    A patch that must show a pixel is centred on it. It does not begin before the region, but may end after it. By
    this rule of nnU-Net, hearts are shifted also in images that are no larger than the patch.

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
