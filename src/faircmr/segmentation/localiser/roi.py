"""Heart regions (ROI): boxes of pixels, their table, and their scores against labelled hearts.

Tensors contain full images. A region is a row of a table; images are cropped to it when a batch is
made or a scan is predicted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from faircmr.core import Omission, Parameters
from faircmr.core.scans import ALL_STRUCTURES, Structure
from faircmr.core.study import TEST, subjects_in
from faircmr.segmentation.data import Array, SubjectTensors, TensorStore, label_name
from faircmr.segmentation.network import Plans

Pair = tuple[int, int]
Pixel = Annotated[int, Field(ge=0)]
Mask = npt.NDArray[np.bool_]

NOTHING_FOUND = "nothing found"
TOO_SMALL = "too small"
OFF_CENTRE = "off centre"
CUT_OFF = "cut off by the edge of the image"


class Box(Parameters):
    """A rectangular region of a slice, half-open, in pixels of the tensors' grid.

    Attributes:
        row_start: First row.
        row_stop: Row after the last.
        column_start: First column.
        column_stop: Column after the last.
    """

    row_start: Pixel
    row_stop: Pixel
    column_start: Pixel
    column_stop: Pixel

    @property
    def corner(self) -> Pair:
        """First row and first column."""
        return self.row_start, self.column_start

    @property
    def shape(self) -> Pair:
        """Rows and columns."""
        return self.row_stop - self.row_start, self.column_stop - self.column_start

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index of the region in an array of shape (rows, columns)."""
        return slice(self.row_start, self.row_stop), slice(self.column_start, self.column_stop)

    @classmethod
    def whole(cls, shape: Pair) -> Self:
        """The region that covers a whole image of this shape."""
        return cls(row_start=0, row_stop=shape[0], column_start=0, column_stop=shape[1])

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.row_stop <= self.row_start or self.column_stop <= self.column_start:
            raise ValueError(f"a region of {self.shape} pixels: each stop must exceed its start")
        return self


class RoiLimits(Parameters):
    """Limits that the region of a heart must satisfy; otherwise it is rejected.

    Attributes:
        smallest_extent: Millimetres in both directions; both ventricles of an adult are larger, and so is the left
            ventricle with its myocardium.
        smallest_cavity: The same for studies with the blood pool of one ventricle only.
        largest_offset: Distance between the centres of heart and image, as a share of the image's side.
    """

    smallest_extent: float = Field(default=30.0, ge=0.0)
    smallest_cavity: float = Field(default=15.0, ge=0.0)
    largest_offset: float = Field(default=0.3, gt=0.0, le=0.5)

    def smallest(self, structures: Collection[Structure]) -> float:
        """Smallest extent of these structures in both directions, millimetres."""
        one_cavity = set(structures) in ({Structure.LVBP}, {Structure.RVBP})
        return self.smallest_cavity if one_cavity else self.smallest_extent


def heart_box(heart: Mask) -> Box | None:
    """Smallest region that contains the largest connected component in every slice.

    Args:
        heart: Predicted foreground, shape (slices, rows, columns).

    Returns:
        ``None`` if the foreground is empty.
    """
    from scipy.ndimage import find_objects, label

    components, count = label(heart, np.ones((3, 3, 3), dtype=int))
    if count == 0:
        return None
    sizes = np.bincount(components.ravel())[1:]
    _, rows, columns = find_objects(components)[int(sizes.argmax())]
    return Box(row_start=rows.start, row_stop=rows.stop, column_start=columns.start, column_stop=columns.stop)


def rejection_reason(
    box: Box | None,
    shape: Pair,
    spacing: tuple[float, float],
    limits: RoiLimits,
    structures: Collection[Structure] = ALL_STRUCTURES,
) -> str:
    """Reason why a region is rejected; empty if it is accepted.

    Args:
        box: Result of :func:`heart_box`.
        shape: Rows and columns of the image.
        spacing: Millimetres between rows and between columns.
        limits: Limits of accepted regions.
        structures: Structures that the localiser segments.
    """
    if box is None:
        return NOTHING_FOUND
    if any(size * each < limits.smallest(structures) for size, each in zip(box.shape, spacing, strict=True)):
        return TOO_SMALL
    if 0 in box.corner or box.row_stop == shape[0] or box.column_stop == shape[1]:
        return CUT_OFF
    middles = ((box.row_start + box.row_stop) / 2, (box.column_start + box.column_stop) / 2)
    if any(abs(middle / size - 0.5) > limits.largest_offset for middle, size in zip(middles, shape, strict=True)):
        return OFF_CENTRE
    return ""


def enclosing_box(boxes: Sequence[Box]) -> Box:
    """Smallest region that contains all given regions."""
    return Box(
        row_start=min(box.row_start for box in boxes),
        row_stop=max(box.row_stop for box in boxes),
        column_start=min(box.column_start for box in boxes),
        column_stop=max(box.column_stop for box in boxes),
    )


def scale_box(box: Box, factor: int) -> Box:
    """Convert a region from a coarse grid to one that is finer by an integer factor."""
    return Box(**{edge: value * factor for edge, value in box.model_dump().items()})


def intersection_over_union(one: Box, other: Box) -> float:
    """Intersection over union of two regions, 0..1."""
    sides = [
        max(0, min(stop, other_stop) - max(start, other_start))
        for start, stop, other_start, other_stop in (
            (one.row_start, one.row_stop, other.row_start, other.row_stop),
            (one.column_start, one.column_stop, other.column_start, other.column_stop),
        )
    ]
    shared = sides[0] * sides[1]
    return shared / (one.shape[0] * one.shape[1] + other.shape[0] * other.shape[1] - shared)


def enlarge_box(box: Box, factor: int, margin: Pair, smallest: Pair, shape: Pair) -> Box:
    """Convert a region to a finer grid and enlarge it by a margin, at least to a smallest size if the image permits.

    Args:
        box: On the coarse grid.
        factor: Pixels of the fine grid per pixel of the coarse one, along each axis.
        margin: Rows above and below, and columns left and right, in pixels of the fine grid.
        smallest: Smallest number of rows and columns of the region.
        shape: Rows and columns of the fine image.
    """
    rows = _span(box.row_start * factor, box.row_stop * factor, margin[0], smallest[0], shape[0])
    columns = _span(box.column_start * factor, box.column_stop * factor, margin[1], smallest[1], shape[1])
    return Box(row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])


def _span(start: int, stop: int, margin: int, smallest: int, size: int) -> Pair:
    """Start and stop along one axis; shifted, not cut, at the edge of the image."""
    missing = max(0, smallest - (stop - start + 2 * margin))
    start, stop = start - margin - missing // 2, stop + margin + missing - missing // 2
    if start < 0:
        start, stop = 0, stop - start
    if stop > size:
        start, stop = start - (stop - size), size
    return max(0, start), stop


EDGES = tuple(Box.model_fields)
HEART_EDGES = tuple(f"heart_{edge}" for edge in EDGES)
ROI_TYPES = {
    "subject_id": "str",
    "fold": "Int64",
    "found": "bool",
    "reason": "str",
    **dict.fromkeys((*EDGES, *HEART_EDGES), "Int64"),
}


@dataclass(frozen=True)
class HeartLocation:
    """Result of a localiser for one subject.

    Attributes:
        subject_id: Study key.
        box: The heart's region on the tensors' grid, or ``None`` if the full image is used.
        reason: Why there is no region; otherwise empty.
        heart: Box around the predicted heart, before it was enlarged by the margin and to the patch.
        whole: Whether the region is the whole image, because the image is no larger than the patch.
    """

    subject_id: str
    box: Box | None
    reason: str
    heart: Box | None = None
    whole: bool = False


def roi_table(rows: Iterable[tuple[int | None, HeartLocation]]) -> pd.DataFrame:
    """Make the table of regions.

    Args:
        rows: Fold of the localiser, and its result for a subject.

    Returns:
        ``subject_id``, ``fold`` (missing without cross-validation), ``found``, ``reason`` and the edges
        of the region and of the heart in pixels of the tensors' grid, missing if the full image is used.
    """
    records = [
        (one.subject_id, fold, one.box is not None, one.reason, *_edges(one.box), *_edges(one.heart))
        for fold, one in rows
    ]
    return pd.DataFrame(records, columns=list(ROI_TYPES)).astype(ROI_TYPES)


def unlocated_hearts(table: pd.DataFrame) -> list[Omission]:
    """Omissions for subjects whose heart was not found or whose region was rejected, by reason.

    Args:
        table: Result of :func:`roi_table`; with cross-validation a subject counts once for each fold.
    """
    counted = "subjects" if table["fold"].isna().all() else "subjects, counted once a fold,"
    reasons = table.loc[~table["found"], "reason"].value_counts().sort_index()
    return [
        Omission(
            counted, int(count), len(table), f"heart not located ({reason})", outcome="segmented on the full image"
        )
        for reason, count in reasons.items()
    ]


def rois_of(table: pd.DataFrame, fold: int | None) -> dict[str, Box]:
    """Regions of a fold by study key; subjects without one are left out.

    Args:
        table: ``subject_id``, the edges of the region, and with cross-validation ``fold``.
        fold: The fold; ``None`` without cross-validation.
    """
    return _boxes(table, fold, EDGES)


def hearts_of(table: pd.DataFrame, fold: int | None) -> dict[str, Box]:
    """Boxes around the predicted hearts of a fold, by study key; same arguments as :func:`rois_of`."""
    return _boxes(table, fold, HEART_EDGES)


def _boxes(table: pd.DataFrame, fold: int | None, edges: Sequence[str]) -> dict[str, Box]:
    located = table[edges[0]].notna()
    rows = table[located if fold is None else located & table["fold"].eq(fold)]
    values = rows[list(edges)].astype(int).to_numpy().tolist()
    boxes = (Box(**dict(zip(EDGES, each, strict=True))) for each in values)
    return dict(zip(rows["subject_id"], boxes, strict=True))


def with_rois(splits: pd.DataFrame, rois: pd.DataFrame) -> pd.DataFrame:
    """Add the edges of each subject's region, in the same fold, to the rows of splits.

    Args:
        splits: ``subject_id`` and, with cross-validation, ``fold``.
        rois: Result of :func:`roi_table`; empty if full images are used.
    """
    by = ["subject_id", "fold"] if "fold" in splits else ["subject_id"]
    return splits.merge(rois[[*by, *EDGES]], on=by, how="left", validate="many_to_one")


def _edges(box: Box | None) -> tuple[int | None, ...]:
    return (None,) * len(EDGES) if box is None else tuple(getattr(box, edge) for edge in EDGES)


ROI_SCORE_TYPES = {
    "subject_id": "str",
    "fold": "Int64",
    "located": "bool",
    "heart_inside": "float64",
    "box_overlap": "float64",
    "centre_error": "float64",
}
"""One row for each labelled test subject and localiser."""


def score_rois(rois: pd.DataFrame, splits: pd.DataFrame, tensors: TensorStore, plans: Plans) -> pd.DataFrame:
    """Compare regions with labelled hearts.

    Args:
        rois: Result of :func:`roi_table`.
        splits: The test subjects of each fold are scored, because its localiser was not trained on them.
        tensors: Preprocessed subjects.
        plans: Of the study.

    Returns:
        ``subject_id``, ``fold``, ``located`` and, for located hearts: ``heart_inside``, the share of
        labelled pixels inside the region (0..1); ``box_overlap``, the intersection over union (0..1) of the
        boxes around the predicted heart and around the labels; ``centre_error``, the distance between the
        centres of these boxes in millimetres. Subjects without labels are left out.
    """
    rows = []
    for fold in (None if pd.isna(fold) else int(fold) for fold in rois["fold"].unique()):
        boxes, predicted = rois_of(rois, fold), hearts_of(rois, fold)
        for subject_id in subjects_in(splits, TEST, fold):
            hearts = _heart_masks(tensors.subject(subject_id))
            if hearts:
                rows.append(
                    (subject_id, fold, *_score(boxes.get(subject_id), predicted.get(subject_id), hearts, plans))
                )
    return pd.DataFrame(rows, columns=list(ROI_SCORE_TYPES)).astype(ROI_SCORE_TYPES)


def _heart_masks(subject: SubjectTensors) -> list[Array]:
    """Foreground of each label; labels that are empty on the tensors' grid are left out."""
    masks = (subject.arrays[label_name(phase)] > 0 for phase in subject.labelled_phases)
    return [mask for mask in masks if mask.any()]


def _score(
    region: Box | None, predicted: Box | None, hearts: Sequence[Array], plans: Plans
) -> tuple[bool, float, float, float]:
    if region is None or predicted is None:
        return False, float("nan"), float("nan"), float("nan")
    inside = sum(int(heart[:, *region.slices].sum()) for heart in hearts)
    labelled = sum(int(heart.sum()) for heart in hearts)
    truth = _box_around(hearts)
    rows, columns = (
        (one - other) * each for one, other, each in zip(_centre(predicted), _centre(truth), plans.spacing, strict=True)
    )
    return True, inside / labelled, intersection_over_union(predicted, truth), hypot(rows, columns)


def _box_around(hearts: Sequence[Array]) -> Box:
    foreground = np.vstack([np.argwhere(heart.any(axis=0)) for heart in hearts])
    (top, left), (bottom, right) = foreground.min(axis=0).tolist(), (foreground.max(axis=0) + 1).tolist()
    return Box(row_start=top, row_stop=bottom, column_start=left, column_stop=right)


def _centre(box: Box) -> tuple[float, float]:
    return (box.row_start + box.row_stop) / 2, (box.column_start + box.column_stop) / 2
