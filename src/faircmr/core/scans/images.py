"""Image quality measures that need no reference, and detection of near-duplicate images.

A scan is described by how strong each pattern of bright and dark is in it: the power of the lowest spatial frequencies,
whichever way round they lie, averaged over slices. That does not know of scale and offset of intensities, of mirroring,
of rotations by 90 degrees, or of the order of slices, and hardly changes with noise or a shift.

No number changes when intensities are scaled or shifted, for MR has no unit of its own. They compare scans of one study
with each other, and are no quality in themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core.host import map_in_order
from faircmr.core.scans.anatomy import Phase, Structure
from faircmr.core.scans.cohort import Cohort, Image, LabelImage, Scan, ScanKey, extent, nonzero_box
from faircmr.core.scans.structures import DECLARED, infer_pool_and_wall

HIGHEST = 12
"""Waves across the image: in a field of 400 mm what is larger than about 15 mm."""
SMALLEST_SIDE = 2 * HIGHEST + 1
"""Pixels below which an image is padded, so that it has all these frequencies."""
FIRST, SECOND = np.triu_indices(HIGHEST + 1)
FIRST, SECOND = FIRST[1:], SECOND[1:]  # the first is the mean intensity
FEATURES = tuple(f"feature_{number:02d}" for number in range(len(FIRST)))
"""Columns of a descriptor in a table."""
BLOCK = 512
"""Scans that are compared with all others at once: 24 MB for 11,806 scans."""
EXACT, NEAR = "exact", "near"
PAIR_COLUMNS = ("subject_id", "phase", "other_subject_id", "other_phase", "kind", "distance")
Descriptor = npt.NDArray[np.float32]


def voxel_digest(image: Image) -> str:
    """Digest of shape and voxels: equal for equal images, whatever their header says."""
    content = np.ascontiguousarray(image, dtype="<f4")
    return hashlib.sha256(f"{image.shape}".encode() + content.tobytes()).hexdigest()


def describe_image(image: Image) -> Descriptor:
    """What an image looks like, in numbers that can be compared.

    Args:
        image: Shape (slices, rows, columns).

    Returns:
        Natural logarithm of the power at each pair of frequencies less their mean, shape ``(90,)``.
    """
    sides = tuple(max(length, SMALLEST_SIDE) for length in image.shape[1:])
    spectrum = np.fft.fft2(image - image.mean(dtype=np.float64), s=sides, axes=(1, 2))
    power = (np.abs(spectrum) ** 2).mean(axis=0)
    # a mirror image has the power of (u, v) at (u, -v), a rotated one at (v, u)
    upright, mirrored = power[: HIGHEST + 1, : HIGHEST + 1], power[: HIGHEST + 1, -np.arange(HIGHEST + 1)]
    either = upright + mirrored
    strength = (either + either.T)[FIRST, SECOND]
    floor = np.finfo(np.float32).eps * strength.sum() + np.finfo(np.float32).tiny
    level = np.log(strength + floor)
    return np.asarray(level - level.mean(), dtype=np.float32)


def near_duplicates(described: pd.DataFrame, largest_distance: float) -> pd.DataFrame:
    """Pairs of scans of different subjects that look like one image.

    Args:
        described: One row a scan: ``subject_id``, ``phase``, ``digest`` of its voxels, and :data:`FEATURES`.
        largest_distance: Root mean square difference of two descriptors up to which they count as one image.
            Measured on ACDC (100 scans of 50 people): copies with other scale, 3 % noise, shifted by a pixel, mirrored
            or turned are at most 0.03 away, with another gamma (0.9) or clipped at percentile 98 at most 0.08;
            scans of different people at least 0.27. ED and ES of one person are 0.03 to 0.22 apart.

    Returns:
        One row a pair, nearest first: ``subject_id``, ``phase``, ``other_subject_id``, ``other_phase``, ``kind``
        (``exact`` for equal voxels, else ``near``) and ``distance``. Scans of one subject are no pair.
    """
    features = described[list(FEATURES)].to_numpy(dtype=np.float32)
    people = described["subject_id"].astype("category").cat.codes.to_numpy()
    found = list(_close_pairs(features, people, largest_distance))
    one, other = (np.concatenate([pair[side] for pair in found] or [np.empty(0, np.int64)]) for side in (0, 1))
    apart = features[one].astype(np.float64) - features[other]
    scans = described[["subject_id", "phase", "digest"]].reset_index(drop=True)
    left, right = (scans.iloc[places].reset_index(drop=True) for places in (one, other))
    pairs = pd.DataFrame(
        {
            "subject_id": left["subject_id"],
            "phase": left["phase"],
            "other_subject_id": right["subject_id"],
            "other_phase": right["phase"],
            "kind": np.where(left["digest"] == right["digest"], EXACT, NEAR),
            "distance": np.sqrt((apart**2).mean(axis=1)),
        }
    )
    return pairs.sort_values(["distance", "subject_id", "other_subject_id", "phase", "other_phase"], ignore_index=True)


def _close_pairs(
    features: Descriptor, people: npt.NDArray[np.integer[Any]], largest_distance: float
) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Rows of pairs, the first before the second."""
    squares = (features**2).sum(axis=1)
    limit = features.shape[1] * largest_distance**2
    # what rounding in single precision may do to a distance of 0
    limit += 1e-5 * float(squares.max(initial=0.0))
    for start in range(0, len(features), BLOCK):
        block = slice(start, start + BLOCK)
        distances = squares[block, np.newaxis] + squares - 2.0 * features[block] @ features.T
        one, other = np.nonzero(distances <= limit)
        one += start
        kept = (one < other) & (people[one] != people[other])
        yield one[kept], other[kept]


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
            label values are declared wrongly, else 0; see :func:`~faircmr.core.scans.infer_pool_and_wall`.

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
    at_border, at_base, at_apex = _borders_touched(scan.label)
    return ImageQuality(
        slices=len(scan.image),
        labelled_slices=MISSING if scan.label is None else float(scan.label.any(axis=(1, 2)).sum()),
        contrast=_contrast(scan.image, scan.label) / span,
        noise=_noise(image) / span,
        sharpness=_steepest_gradient(image, (row_spacing, column_spacing)) / span,
        saturated=float((image == image.max()).mean()) if image.size else MISSING,
        at_border=at_border,
        at_base=at_base,
        at_apex=at_apex,
        labels_swapped=_labels_swapped(scan.label),
    )


def _labels_swapped(label: LabelImage | None) -> float:
    found = None if label is None else infer_pool_and_wall(label)
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


def _steepest_gradient(image: Image, spacing: tuple[float, float]) -> float:
    if min(image.shape[1:]) < 2:
        return MISSING
    along_rows, along_columns = np.gradient(image, *spacing, axis=(1, 2))
    return float(np.percentile(np.hypot(along_rows, along_columns), 99.0))


def _borders_touched(label: LabelImage | None) -> tuple[float, float, float]:
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


class ImageSurvey(NamedTuple):
    """Two tables of one row a scan.

    Attributes:
        quality: ``subject_id``, ``phase`` and the attributes of :class:`ImageQuality`.
        descriptors: ``subject_id``, ``phase``, ``digest`` of the voxels, and the features that
            :func:`near_duplicates` compares.
    """

    quality: pd.DataFrame
    descriptors: pd.DataFrame


def survey_images(cohort: Cohort, scans: pd.DataFrame) -> ImageSurvey:
    """Look at every scan of a study.

    Args:
        cohort: Any cohort; ``cohort.readers`` scans are in memory at a time.
        scans: ``subject_id`` and ``phase`` of those that take part.

    Raises:
        InvalidScanError: Some scan can no longer be used; the first one is named by study key and phase.
    """
    keys = [
        (str(subject_id), Phase(phase)) for subject_id, phase in zip(scans["subject_id"], scans["phase"], strict=True)
    ]

    def look(key: ScanKey) -> tuple[dict[str, object], dict[str, object]]:
        scan = cohort.read(*key)
        name = {"subject_id": key[0], "phase": str(key[1])}
        features = dict(zip(FEATURES, describe_image(scan.image), strict=True))
        return name | asdict(image_quality(scan)), name | {"digest": voxel_digest(scan.image)} | features

    seen = list(map_in_order(look, keys, cohort.readers))
    quality, descriptors = (pd.DataFrame([pair[side] for pair in seen]) for side in (0, 1))
    return ImageSurvey(quality, descriptors)
