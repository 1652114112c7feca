"""In-plane resampling between the source's grid and the grid of the plans.

Interpolation by splines is linear in the image and separable, so that one small matrix an axis does
for all slices what ``scipy.ndimage.zoom`` would do for each. The matrices are sparse: a product of
dense ones would start as many threads as the machine has cores, for less work than starting them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from faircmr.core.scan import Image, LabelImage, extent

FloatArray = npt.NDArray[np.float32]
CUBIC, LINEAR = 3, 1
NEGLIGIBLE = 1e-7


def planned_shape(
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
    """Linear resampling of each value's mask (slices, rows, columns); the largest share wins.

    Only the part that the structures reach is computed: everything else is background before and after.
    """
    if label.shape[1:] == shape:
        return label
    resampled = np.zeros((len(label), *shape), dtype=np.uint8)
    shown = label > 0
    rows, columns = (_reach(np.asarray(shown.any(axis=(0, other))), shape[2 - other]) for other in (2, 1))
    part = label[:, rows.old, columns.old]
    if not part.size:  # nothing is labelled, or a coarser grid passes it over
        return resampled
    values = np.unique(part)
    shares = np.stack(
        [_interpolate((part == value).astype(np.float32), rows.matrix, columns.matrix) for value in values]
    )
    resampled[:, rows.new, columns.new] = values[shares.argmax(axis=0)]
    return resampled


def label_on_grid(probabilities: FloatArray, shape: tuple[int, int]) -> LabelImage:
    """Most probable class on a source's grid, by linear resampling of probabilities.

    A new pixel is a weighted mean of old ones: where all of these are most probably background, so is it.
    Only the part is computed that the others reach.

    Args:
        probabilities: Shape (classes, slices, rows, columns).
        shape: Rows and columns of the source.

    Returns:
        Classes, uint8, shape (slices, *shape); of equally probable ones the first.
    """
    label = np.zeros((probabilities.shape[1], *shape), dtype=np.uint8)
    shown = (probabilities[1:].max(axis=0) >= probabilities[0]).any(axis=0)
    rows, columns = (_reach(shown.any(axis=1 - axis), shape[axis]) for axis in (0, 1))
    part = probabilities[..., rows.old, columns.old]
    if part.size:
        label[:, rows.new, columns.new] = _interpolate(part, rows.matrix, columns.matrix).argmax(axis=0)
    return label


@lru_cache(maxsize=64)
def interpolation_matrix(size: int, new_size: int, order: int) -> Any:
    """Weights of the old pixels (columns) in each new pixel (rows), along one axis, as CSR matrix."""
    # imported here because images that keep their size need no SciPy
    from scipy.ndimage import zoom
    from scipy.sparse import csr_array

    weights = zoom(np.eye(size), (1, new_size / size), order=order, mode="nearest", grid_mode=True)
    # the influence of a pixel on a cubic spline fades by a factor of four a pixel, but never ends
    return csr_array(np.where(np.abs(weights) < NEGLIGIBLE, 0.0, weights).T.astype(np.float32))


@dataclass(frozen=True)
class _Reach:
    """Along one axis: the new pixels that something reaches, and all old pixels that they are made of."""

    old: slice
    new: slice
    matrix: Any


def _reach(shown: npt.NDArray[np.bool_], new_size: int) -> _Reach:
    """What the pixels that show something, given along one axis, reach by linear interpolation."""
    matrix = interpolation_matrix(len(shown), new_size, LINEAR)
    new = extent(matrix @ shown.astype(np.float32) > 0)
    old = extent(np.bincount(matrix[new].indices, minlength=len(shown)) > 0)
    return _Reach(old, new, matrix[new, old])


def _interpolate(planes: FloatArray, rows: Any, columns: Any) -> FloatArray:
    """Multiply the last two axes by one matrix each; ``None`` leaves an axis as it is."""
    by_column = _along_last(np.ascontiguousarray(planes, dtype=np.float32), columns)
    by_row = _along_last(by_column.swapaxes(-1, -2), rows)
    return np.ascontiguousarray(by_row.swapaxes(-1, -2))


def _along_last(planes: FloatArray, matrix: Any) -> FloatArray:
    if matrix is None:
        return planes
    lines = np.ascontiguousarray(planes.reshape(-1, planes.shape[-1]).T)
    return np.asarray((matrix @ lines).T, dtype=np.float32).reshape(*planes.shape[:-1], matrix.shape[0])
