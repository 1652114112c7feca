"""How good an image is, without a reference: what can make the scans of a group harder to segment.

No number changes when intensities are scaled or shifted, for MR has no unit of its own. They compare scans of one study
with each other, and are no quality in themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faircmr.core.anatomy import Structure
from faircmr.core.label_anatomy import DECLARED, pool_and_wall
from faircmr.core.scan import Image, LabelImage, Scan, extent, nonzero_box

NORMAL_MEDIAN = 0.6744897501960817
"""Median of the absolute value of a standard normal variable."""
KERNEL_NORM = 6.0
"""Root of the sum of squares of Immerkær's kernel: how much larger noise is after it."""
MISSING = float("nan")


@dataclass(frozen=True)
class ImageQuality:
    """Proxies of the quality of one scan; NaN where it cannot be told.

    The *range* is what lies between percentiles 1 and 99 of the image without its margin of zeros.

    Attributes:
        slices: Number of slices.
        labelled_slices: Slices with any label.
        contrast: Median of the left blood pool less that of the myocardium, as share of the range; usually 0..1,
            negative where the myocardium is brighter.
        noise: SD of what changes from voxel to voxel in the plane, as share of the range; at least 0. The median is
            used in the place of the mean, so that edges count little. Interpolation lowers it.
        sharpness: Steepest slope in the plane (99th percentile of the gradient's length) in ranges per mm; at
            least 0. A border that takes w mm from dark to bright gives 1 / w. Noise raises it.
        saturated: Share of voxels that have the image's largest value, 0..1.
        at_border: 1 where the label touches a side of the image, so that the heart may be cut off, else 0.
        at_base: 1 where the outermost slice at the base is labelled, so that slices may be missing there, else 0.
            The base is the end where more is labelled.
        at_apex: As ``at_base``, at the other end.
        labels_swapped: 1 where another structure of the label than LVBP is enclosed by another than LVM, as it is where
            label values are declared wrongly, else 0; see :func:`~faircmr.core.label_anatomy.pool_and_wall`.

    Source:
        Noise: Immerkær 1996, "Fast noise variance estimation", Computer Vision and Image Understanding 64(2), with
        the median absolute deviation in the place of the mean of absolute values.
    """

    slices: int
    labelled_slices: float
    contrast: float
    noise: float
    sharpness: float
    saturated: float
    at_border: float
    at_base: float
    at_apex: float
    labels_swapped: float


def image_quality(scan: Scan) -> ImageQuality:
    """Measure one scan.

    Args:
        scan: Image of shape (slices, rows, columns) and, if there is one, its label.
    """
    image = scan.image[nonzero_box(scan.image)]
    low, high = np.percentile(image, (1.0, 99.0)) if image.size else (0.0, 0.0)
    span = float(high - low) or MISSING  # of an image of one value nothing can be told
    _, row_spacing, column_spacing = scan.geometry.spacing
    at_border, at_base, at_apex = _ends(scan.label)
    return ImageQuality(
        slices=len(scan.image),
        labelled_slices=MISSING if scan.label is None else float(scan.label.any(axis=(1, 2)).sum()),
        contrast=_contrast(scan.image, scan.label) / span,
        noise=_noise(image) / span,
        sharpness=_steepest(image, (row_spacing, column_spacing)) / span,
        saturated=float((image == image.max()).mean()) if image.size else MISSING,
        at_border=at_border,
        at_base=at_base,
        at_apex=at_apex,
        labels_swapped=_labels_swapped(scan.label),
    )


def _labels_swapped(label: LabelImage | None) -> float:
    found = None if label is None else pool_and_wall(label)
    return MISSING if found is None else float(found != DECLARED)


def _contrast(image: Image, label: LabelImage | None) -> float:
    if label is None:
        return MISSING
    pool, wall = (image[label == structure] for structure in (Structure.LVBP, Structure.LVM))
    return float(np.median(pool) - np.median(wall)) if pool.size and wall.size else MISSING


def _noise(image: Image) -> float:
    """SD of the noise; voxels at either end of the scale are left out, for clipping has taken their noise away."""
    if min(image.shape[1:]) < 3:
        return MISSING
    # the second difference, once along each axis, is Immerkær's kernel ((1, -2, 1), (-2, 4, -2), (1, -2, 1))
    residual = np.diff(np.diff(image, 2, axis=1), 2, axis=2)
    middle = image[:, 1:-1, 1:-1]
    free = residual[(middle > image.min()) & (middle < image.max())]
    return float(np.median(np.abs(free))) / (KERNEL_NORM * NORMAL_MEDIAN) if free.size else MISSING


def _steepest(image: Image, spacing: tuple[float, float]) -> float:
    if min(image.shape[1:]) < 2:
        return MISSING
    along_rows, along_columns = np.gradient(image, *spacing, axis=(1, 2))
    return float(np.percentile(np.hypot(along_rows, along_columns), 99.0))


def _ends(label: LabelImage | None) -> tuple[float, float, float]:
    """Whether the label touches the sides, the base's end and the apex's end of the image."""
    if label is None or not label.any():
        return MISSING, MISSING, MISSING
    shown = label > 0
    sides = shown[:, [0, -1], :].any() or shown[:, :, [0, -1]].any()
    areas = shown.sum(axis=(1, 2))
    labelled = areas[extent(areas > 0)]
    half = max(len(labelled) // 2, 1)
    first, last = float(areas[0] > 0), float(areas[-1] > 0)
    base, apex = (first, last) if labelled[:half].sum() >= labelled[-half:].sum() else (last, first)
    return float(sides), base, apex
