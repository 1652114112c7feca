"""Tensors at a lower resolution, made when they are looked at: nothing is preprocessed or kept twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faircmr.segmentation.preprocessing import structure_areas
from faircmr.segmentation.tensors import Array, SubjectTensors, TensorStore, slices_of


def open_tensors(folder: Path, reduction: int) -> TensorStore:
    """Tensors of a study, at a resolution that is lower by a whole factor.

    Args:
        folder: As for :class:`~faircmr.segmentation.tensors.TensorStore`.
        reduction: Pixels along one pixel of the result; 1 leaves the tensors as they are.

    Raises:
        OutputError: The folder is not complete.
    """
    return TensorStore(folder) if reduction == 1 else CoarseStore(folder, reduction)


class CoarseStore(TensorStore):
    """Tensors folder of a study, read at a lower resolution.

    Args:
        folder: As for :class:`~faircmr.segmentation.tensors.TensorStore`.
        reduction: Pixels along one pixel of the result, above 1.
    """

    def __init__(self, folder: Path, reduction: int) -> None:
        super().__init__(folder)
        self.reduction = reduction

    def subject(self, subject_id: str) -> SubjectTensors:
        """As for :class:`~faircmr.segmentation.tensors.TensorStore`, reduced."""
        return coarse_subject(super().subject(subject_id), self.reduction)


@dataclass(frozen=True)
class CoarseArrays(Mapping[str, Array]):
    """Arrays of one subject, each reduced when it is asked for."""

    arrays: Mapping[str, Array]
    reduction: int

    def __getitem__(self, name: str) -> Array:
        if name.endswith(".areas"):
            return structure_areas(self[name.removesuffix("areas") + "label"])
        return reduce_planes(self.arrays[name], self.reduction)

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def slices_of(self, names: Sequence[str], slice_index: int) -> tuple[Array, ...]:
        """One slice of some arrays, each of shape (rows, columns)."""
        planes = slices_of(self.arrays, names, slice_index)
        return tuple(reduce_planes(plane, self.reduction) for plane in planes)


def coarse_subject(subject: SubjectTensors, reduction: int) -> SubjectTensors:
    """One subject at a lower resolution."""
    return SubjectTensors(subject.subject_id, subject.fingerprint, CoarseArrays(subject.arrays, reduction))


def reduce_planes(planes: Array, factor: int) -> Array:
    """Lower the resolution of the last two axes by a whole factor.

    Args:
        planes: Image (floating point) or label (integer), shape (..., rows, columns).
        factor: Pixels of the old grid along one of the new one. Pixels that fill no whole one at the
            far edges are left out, so that pixel p of the new grid begins at pixel p x factor.

    Returns:
        Means of an image; of a label the value in the middle.
    """
    rows, columns = planes.shape[-2] // factor, planes.shape[-1] // factor
    whole = planes[..., : rows * factor, : columns * factor]
    blocks = whole.reshape(*planes.shape[:-2], rows, factor, columns, factor)
    if np.issubdtype(planes.dtype, np.floating):
        return np.asarray(blocks.mean(axis=(-3, -1), dtype=np.float32).astype(planes.dtype))
    return np.ascontiguousarray(blocks[..., factor // 2, :, factor // 2])
