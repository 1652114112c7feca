"""In-plane resampling between the source's grid and the grid of the plans.

Interpolation by splines is linear in the image and separable, so that one small matrix an axis does
for all slices what ``scipy.ndimage.zoom`` would do for each. The matrices are sparse: a product of
dense ones would start as many threads as the machine has cores, for less work than starting them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from faircmr.core.scan import Image, LabelImage

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
    by_column = _along_last(np.ascontiguousarray(planes, dtype=np.float32), shape[1], order)
    by_row = _along_last(by_column.swapaxes(-1, -2), shape[0], order)
    return np.ascontiguousarray(by_row.swapaxes(-1, -2))


def resample_image(image: Image, shape: tuple[int, int]) -> Image:
    """Cubic resampling of an image (slices, rows, columns), clipped to the range of each slice."""
    lowest, highest = image.min(axis=(1, 2), keepdims=True), image.max(axis=(1, 2), keepdims=True)
    # splines overshoot at edges; nnU-Net's resize clips too
    return np.clip(resample(image, shape, CUBIC), lowest, highest)


def resample_label(label: LabelImage, shape: tuple[int, int]) -> LabelImage:
    """Linear resampling of each value's mask (slices, rows, columns); the largest share wins."""
    if label.shape[1:] == shape:
        return label
    values = np.unique(label)
    shares = np.stack([resample((label == value).astype(np.float32), shape, LINEAR) for value in values])
    return np.asarray(values[shares.argmax(axis=0)], dtype=np.uint8)


def resample_to_native(probabilities: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Linear resampling of class probabilities (classes, slices, rows, columns) to a source's grid."""
    return resample(probabilities, shape, LINEAR)


@lru_cache(maxsize=64)
def interpolation_matrix(size: int, new_size: int, order: int) -> Any:
    """Weights of the old pixels (columns) in each new pixel (rows), along one axis, as CSR matrix."""
    # imported here because images that keep their size need no SciPy
    from scipy.ndimage import zoom
    from scipy.sparse import csr_array

    pixels = np.eye(size)
    weights = np.stack([zoom(pixel, new_size / size, order=order, mode="nearest", grid_mode=True) for pixel in pixels])
    # the influence of a pixel on a cubic spline fades by a factor of four a pixel, but never ends
    return csr_array(np.where(np.abs(weights) < NEGLIGIBLE, 0.0, weights).T.astype(np.float32))


def _along_last(planes: FloatArray, new_size: int, order: int) -> FloatArray:
    size = planes.shape[-1]
    if size == new_size:
        return planes
    lines = np.ascontiguousarray(planes.reshape(-1, size).T)
    resampled = interpolation_matrix(size, new_size, order) @ lines
    return np.asarray(resampled.T, dtype=np.float32).reshape(*planes.shape[:-1], new_size)
