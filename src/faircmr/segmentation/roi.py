"""The heart region (ROI): a box of pixels in the plane, and when a box cannot be the heart's.

Tensors hold full images; a region is a row of a table, and what lies in it is cut out when a batch
is made or a scan predicted.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from faircmr.core.anatomy import Structure
from faircmr.core.parameters import Parameters
from faircmr.core.structures import ALL_STRUCTURES

Pair = tuple[int, int]
Pixel = Annotated[int, Field(ge=0)]
Mask = npt.NDArray[np.bool_]

NOTHING_FOUND = "nothing found"
TOO_SMALL = "too small"
OFF_CENTRE = "off centre"
CUT_OFF = "cut off by the edge of the image"


class Box(Parameters):
    """A region of the plane, half-open, in pixels of the tensors' grid.

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
        """The region that is the whole image of this shape."""
        return cls(row_start=0, row_stop=shape[0], column_start=0, column_stop=shape[1])

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.row_stop <= self.row_start or self.column_stop <= self.column_start:
            raise ValueError(f"a region of {self.shape} pixels: each stop must exceed its start")
        return self


class RoiLimits(Parameters):
    """What a region must be like to be believed.

    Attributes:
        smallest_extent: Millimetres; both ventricles of an adult exceed it in both directions, and the left one with
            its wall.
        smallest_cavity: The same where a study has the inside of one ventricle alone.
        largest_offset: Distance of the heart's middle from the image's, as a share of the image's side.
    """

    smallest_extent: float = Field(default=30.0, ge=0.0)
    smallest_cavity: float = Field(default=15.0, ge=0.0)
    largest_offset: float = Field(default=0.3, gt=0.0, le=0.5)

    def smallest(self, structures: Collection[Structure]) -> float:
        """Millimetres that what a study looks for exceeds in both directions."""
        one_cavity = set(structures) in ({Structure.LVBP}, {Structure.RVBP})
        return self.smallest_cavity if one_cavity else self.smallest_extent


def heart_box(heart: Mask) -> Box | None:
    """Smallest region that holds the largest connected structure in every slice.

    Args:
        heart: Where a heart was found, shape (slices, rows, columns).

    Returns:
        ``None`` where nothing was found.
    """
    from scipy.ndimage import find_objects, label

    components, count = label(heart, np.ones((3, 3, 3), dtype=int))
    if count == 0:
        return None
    sizes = np.bincount(components.ravel())[1:]
    _, rows, columns = find_objects(components)[int(sizes.argmax())]
    return Box(row_start=rows.start, row_stop=rows.stop, column_start=columns.start, column_stop=columns.stop)


def fault(
    box: Box | None,
    shape: Pair,
    spacing: tuple[float, float],
    limits: RoiLimits,
    structures: Collection[Structure] = ALL_STRUCTURES,
) -> str:
    """Why a region cannot be the heart's, or an empty text.

    Args:
        box: As :func:`heart_box` found it.
        shape: Rows and columns of the image.
        spacing: Millimetres between rows and between columns.
        limits: What a region must be like.
        structures: What was looked for.
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


def joined(boxes: Sequence[Box]) -> Box:
    """Smallest region that holds all of some regions."""
    return Box(
        row_start=min(box.row_start for box in boxes),
        row_stop=max(box.row_stop for box in boxes),
        column_start=min(box.column_start for box in boxes),
        column_stop=max(box.column_stop for box in boxes),
    )


def scaled(box: Box, factor: int) -> Box:
    """A region of a coarse grid on one that is finer by a whole factor."""
    return Box(**{edge: value * factor for edge, value in box.model_dump().items()})


def overlap(one: Box, other: Box) -> float:
    """Pixels of both regions over pixels of either, 0..1."""
    sides = [
        max(0, min(stop, other_stop) - max(start, other_start))
        for start, stop, other_start, other_stop in (
            (one.row_start, one.row_stop, other.row_start, other.row_stop),
            (one.column_start, one.column_stop, other.column_start, other.column_stop),
        )
    ]
    shared = sides[0] * sides[1]
    return shared / (one.shape[0] * one.shape[1] + other.shape[0] * other.shape[1] - shared)


def enlarged(box: Box, factor: int, margin: Pair, smallest: Pair, shape: Pair) -> Box:
    """A region on a finer grid, with a margin, at least as large as the patch where the image is.

    Args:
        box: On the coarse grid.
        factor: Pixels of the fine grid along one of the coarse one.
        margin: Rows above and below, and columns left and right, of the fine grid.
        smallest: Rows and columns that the region has at least.
        shape: Rows and columns of the fine image.
    """
    rows = _span(box.row_start * factor, box.row_stop * factor, margin[0], smallest[0], shape[0])
    columns = _span(box.column_start * factor, box.column_stop * factor, margin[1], smallest[1], shape[1])
    return Box(row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])


def _span(start: int, stop: int, margin: int, smallest: int, size: int) -> Pair:
    """Start and stop on one axis, shifted rather than cut where the image ends."""
    missing = max(0, smallest - (stop - start + 2 * margin))
    start, stop = start - margin - missing // 2, stop + margin + missing - missing // 2
    if start < 0:
        start, stop = 0, stop - start
    if stop > size:
        start, stop = start - (stop - size), size
    return max(0, start), stop
