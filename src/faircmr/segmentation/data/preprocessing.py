"""Preprocessing of scans to tensors: intensity normalisation, resampling to the grid of the plans, coarser tensors.

Spline interpolation is linear in the image and separable. One small matrix for each axis therefore replaces a
call of ``scipy.ndimage.zoom`` for each slice. The matrices are sparse: dense products would start a thread for each
core of the machine, which takes longer than the products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import InvalidScanError, text_digest
from faircmr.core.scans import Image, LabelImage, Phase, Scan, Structure, extent, nonzero_box
from faircmr.core.study import check_voxels
from faircmr.segmentation.data.tensors import (
    Array,
    SubjectTensors,
    TensorStore,
    areas_name,
    image_name,
    label_name,
    slices_of,
)
from faircmr.segmentation.network import Plans, structures_to_classes

FloatArray = npt.NDArray[np.float32]
CUBIC, LINEAR = 3, 1
NEGLIGIBLE = 1e-7


def resampled_shape(
    shape: tuple[int, int], spacing: tuple[float, float], planned_spacing: tuple[float, float]
) -> tuple[int, int]:
    """Rows and columns after resampling from one spacing (mm) to another, at least one each."""
    rows, columns = (
        max(1, round(size * old / new)) for size, old, new in zip(shape, spacing, planned_spacing, strict=True)
    )
    return rows, columns


def resample(planes: FloatArray, shape: tuple[int, int], order: int) -> FloatArray:
    """Resample the last two axes.

    Args:
        planes: Shape (..., rows, columns).
        shape: New rows and columns.
        order: Order of the spline, 3 or 1.

    Returns:
        Shape (..., *shape). Equal to ``scipy.ndimage.zoom(..., mode="nearest", grid_mode=True)``,
        which is what nnU-Net's ``skimage.transform.resize`` calls.
    """
    if planes.shape[-2:] == shape:
        return planes
    rows, columns = (
        None if old == new else interpolation_matrix(old, new, order)
        for old, new in zip(planes.shape[-2:], shape, strict=True)
    )
    return _interpolate(planes, rows, columns)


def resample_image(image: Image, shape: tuple[int, int]) -> Image:
    """Cubic resampling of an image (slices, rows, columns), clipped to the range of each slice."""
    lowest, highest = image.min(axis=(1, 2), keepdims=True), image.max(axis=(1, 2), keepdims=True)
    # splines overshoot at edges; nnU-Net's resize clips too
    return np.clip(resample(image, shape, CUBIC), lowest, highest)


def resample_label(label: LabelImage, shape: tuple[int, int]) -> LabelImage:
    """Linear resampling of the mask of each value (slices, rows, columns); the value with the largest share is kept.

    Only the part that contains structures is computed; everything else is background before and after.
    """
    if label.shape[1:] == shape:
        return label
    resampled = np.zeros((len(label), *shape), dtype=np.uint8)
    foreground = label > 0
    rows, columns = (_reach(np.asarray(foreground.any(axis=(0, other))), shape[2 - other]) for other in (2, 1))
    part = label[:, rows.old, columns.old]
    if not part.size:  # the label is empty, or its structures fall between the pixels of a coarser grid
        return resampled
    values = np.unique(part)
    shares = np.stack(
        [_interpolate((part == value).astype(np.float32), rows.matrix, columns.matrix) for value in values]
    )
    resampled[:, rows.new, columns.new] = values[shares.argmax(axis=0)]
    return resampled


def label_on_grid(probabilities: FloatArray, shape: tuple[int, int]) -> LabelImage:
    """Most probable class on a source's grid, by linear resampling of probabilities.

    A new pixel is a weighted mean of old pixels. If background is most probable in all of these, it is background
    too. Only the remaining part is computed.

    Args:
        probabilities: Shape (classes, slices, rows, columns).
        shape: Rows and columns of the source.

    Returns:
        Classes, uint8, shape (slices, *shape); the first of equally probable classes.
    """
    label = np.zeros((probabilities.shape[1], *shape), dtype=np.uint8)
    foreground = (probabilities[1:].max(axis=0) >= probabilities[0]).any(axis=0)
    rows, columns = (_reach(foreground.any(axis=1 - axis), shape[axis]) for axis in (0, 1))
    part = probabilities[..., rows.old, columns.old]
    if part.size:
        label[:, rows.new, columns.new] = _interpolate(part, rows.matrix, columns.matrix).argmax(axis=0)
    return label


@lru_cache(maxsize=64)
def interpolation_matrix(size: int, new_size: int, order: int) -> Any:
    """Weights of the old pixels (columns) in each new pixel (rows) along one axis, as a CSR matrix."""
    # imported here because images that keep their size do not need SciPy
    from scipy.ndimage import zoom
    from scipy.sparse import csr_array

    weights = zoom(np.eye(size), (1, new_size / size), order=order, mode="nearest", grid_mode=True)
    # the influence of a pixel on a cubic spline decreases about fourfold with each pixel, but never reaches 0
    return csr_array(np.where(np.abs(weights) < NEGLIGIBLE, 0.0, weights).T.astype(np.float32))


@dataclass(frozen=True)
class _Reach:
    """Along one axis: new pixels that depend on the foreground, and all old pixels that these depend on."""

    old: slice
    new: slice
    matrix: Any


def _reach(foreground: npt.NDArray[np.bool_], new_size: int) -> _Reach:
    """Find the pixels that linear interpolation of the foreground along one axis involves."""
    matrix = interpolation_matrix(len(foreground), new_size, LINEAR)
    new = extent(matrix @ foreground.astype(np.float32) > 0)
    old = extent(np.bincount(matrix[new].indices, minlength=len(foreground)) > 0)
    return _Reach(old, new, matrix[new, old])


def _interpolate(planes: FloatArray, rows: Any, columns: Any) -> FloatArray:
    """Multiply the last two axes by one matrix each; ``None`` leaves an axis unchanged."""
    by_column = _multiply_last_axis(np.ascontiguousarray(planes, dtype=np.float32), columns)
    by_row = _multiply_last_axis(by_column.swapaxes(-1, -2), rows)
    return np.ascontiguousarray(by_row.swapaxes(-1, -2))


def _multiply_last_axis(planes: FloatArray, matrix: Any) -> FloatArray:
    if matrix is None:
        return planes
    lines = np.ascontiguousarray(planes.reshape(-1, planes.shape[-1]).T)
    return np.asarray((matrix @ lines).T, dtype=np.float32).reshape(*planes.shape[:-1], matrix.shape[0])


ReadScan = Callable[[str, Phase], Scan]


def preprocess_subjects(read: ReadScan, scans: pd.DataFrame, plans: Plans) -> Iterator[SubjectTensors]:
    """Tensors of every subject, computed at the first access.

    Args:
        read: Reads the scan of a subject and phase.
        scans: One row for each scan: ``subject_id``, ``phase``, ``fingerprint``.
        plans: The grid and the structures.

    Yields:
        One subject at a time, in the order of ``scans``. The caller need not access the arrays of a subject whose
        ``fingerprint`` is already known; its scans are then not read.
    """
    for subject_id, rows in scans.groupby("subject_id", sort=False):
        phases = tuple(Phase(phase) for phase in rows["phase"])
        text = repr((plans.spacing, plans.structures, sorted(zip(phases, rows["fingerprint"], strict=True))))
        fingerprint = text_digest(text, 16)
        compute = partial(_preprocess_phases, read, str(subject_id), phases, plans)
        yield SubjectTensors(str(subject_id), fingerprint, ArraysOnDemand(compute))


def preprocess(scan: Scan, plans: Plans, phase: Phase) -> dict[str, Array]:
    """Tensors of one scan.

    Args:
        scan: Image and optional label, shape (slices, rows, columns).
        plans: The grid and the structures.
        phase: Used in the names of the arrays.

    Returns:
        Image with mean 0 and standard deviation 1 (before cubic resampling), float16; label with the classes
        of the study, uint8; pixel counts of each structure in each slice, int32, shape (slices, structures).

    Raises:
        InvalidScanError: The image is constant, or has too many voxels at the spacing of the plans.
    """
    shape = resampled_shape(scan.geometry.shape[1:], scan.geometry.spacing[1:], plans.spacing)
    check_voxels((len(scan.image), *shape), "image, resampled to the spacing of the plans,")
    arrays: dict[str, Array] = {image_name(phase): resample_image(normalise(scan.image), shape).astype(np.float16)}
    if scan.label is not None:
        label = resample_label(structures_to_classes(scan.label, plans.structures), shape)
        arrays |= {label_name(phase): label, areas_name(phase): structure_areas(label)}
    return arrays


def normalise(image: Image) -> Image:
    """Normalise intensities to mean 0 and standard deviation 1 over the scan without its margins of zeros.

    Raises:
        InvalidScanError: The image is constant.

    Source:
        nnU-Net's ``ZScoreNormalization`` after ``crop_to_nonzero``.
    """
    inside = image[nonzero_box(image)]
    # compared exactly, because rounding may give a constant image a standard deviation above zero
    if not inside.size or inside.min() == inside.max():
        raise InvalidScanError("image", "the same intensity everywhere", "an image with contrast")
    mean, deviation = inside.mean(dtype=np.float64), inside.std(dtype=np.float64)
    normalised: Image = ((image - mean) / deviation).astype(np.float32)
    return normalised


def structure_areas(label: LabelImage) -> Array:
    """Pixel counts of each class except background in each slice, int32, shape (slices, structures)."""
    return np.stack([(label == structure).sum(axis=(1, 2)) for structure in Structure], axis=1).astype(np.int32)


@dataclass(frozen=True)
class ArraysOnDemand(Mapping[str, Array]):
    """Arrays that are computed at the first access and then cached in this object."""

    compute: Callable[[], Mapping[str, Array]]

    @cached_property
    def _computed(self) -> Mapping[str, Array]:
        return self.compute()

    def __getitem__(self, name: str) -> Array:
        return self._computed[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._computed)

    def __len__(self) -> int:
        return len(self._computed)


def _preprocess_phases(read: ReadScan, subject_id: str, phases: tuple[Phase, ...], plans: Plans) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for phase in phases:
        scan = read(subject_id, phase)
        try:
            arrays |= preprocess(scan, plans, phase)
        except InvalidScanError as error:
            raise InvalidScanError(f"{subject_id} {phase}", error.value, error.permitted, error.remedy) from None
    return arrays


def open_tensors(folder: Path, reduction: int) -> TensorStore:
    """Open the tensors of a study, optionally at a resolution that is lower by an integer factor.

    Args:
        folder: Same as for :class:`~faircmr.segmentation.data.TensorStore`.
        reduction: Tensor pixels per pixel of the result along each axis; 1 leaves the resolution unchanged.

    Raises:
        OutputError: The folder is incomplete.
    """
    return TensorStore(folder) if reduction == 1 else CoarseStore(folder, reduction)


class CoarseStore(TensorStore):
    """Tensors folder of a study, read at a lower resolution.

    Args:
        folder: Same as for :class:`~faircmr.segmentation.data.TensorStore`.
        reduction: Tensor pixels per pixel of the result along each axis, above 1.
    """

    def __init__(self, folder: Path, reduction: int) -> None:
        super().__init__(folder)
        self.reduction = reduction

    def subject(self, subject_id: str) -> SubjectTensors:
        """Same as for :class:`~faircmr.segmentation.data.TensorStore`, at the lower resolution."""
        return coarse_subject(super().subject(subject_id), self.reduction)


@dataclass(frozen=True)
class CoarseArrays(Mapping[str, Array]):
    """Arrays of one subject, each downsampled at access."""

    arrays: Mapping[str, Array]
    reduction: int

    def __getitem__(self, name: str) -> Array:
        if name.endswith(".areas"):
            return structure_areas(self[name.removesuffix("areas") + "label"])
        return downsample_planes(self.arrays[name], self.reduction)

    def __contains__(self, name: object) -> bool:
        return name in self.arrays

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def slices_of(self, names: Sequence[str], slice_index: int) -> tuple[Array, ...]:
        """One slice of some arrays, each of shape (rows, columns)."""
        planes = slices_of(self.arrays, names, slice_index)
        return tuple(downsample_planes(plane, self.reduction) for plane in planes)


def coarse_subject(subject: SubjectTensors, reduction: int) -> SubjectTensors:
    """One subject at a lower resolution."""
    return SubjectTensors(subject.subject_id, subject.fingerprint, CoarseArrays(subject.arrays, reduction))


def downsample_planes(planes: Array, factor: int) -> Array:
    """Lower the resolution of the last two axes by an integer factor.

    Args:
        planes: Image (floating point) or label (integer), shape (..., rows, columns).
        factor: Old pixels per new pixel along each axis. Incomplete blocks at the far edges are left out, so
            that new pixel p begins at old pixel p x factor.

    Returns:
        For images the mean of each block, for labels its central value.
    """
    rows, columns = planes.shape[-2] // factor, planes.shape[-1] // factor
    whole = planes[..., : rows * factor, : columns * factor]
    blocks = whole.reshape(*planes.shape[:-2], rows, factor, columns, factor)
    if np.issubdtype(planes.dtype, np.floating):
        return np.asarray(blocks.mean(axis=(-3, -1), dtype=np.float32).astype(planes.dtype))
    return np.ascontiguousarray(blocks[..., factor // 2, :, factor // 2])
