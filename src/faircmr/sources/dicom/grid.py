"""Where slices lie, from ImagePositionPatient and ImageOrientationPatient alone.

SliceLocation, SliceThickness, SpacingBetweenSlices and the number of the series are never asked: slices of 8 mm
with gaps of 2 mm lie 10 mm apart, and what is measured on them would be 20 % too small.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidScanError
from faircmr.core.scan import Geometry, Matrix
from faircmr.sources.dicom.headers import Frame, FrameHeader

Vectors = npt.NDArray[np.float64]
SAME_POSITION = 1.0
"""Millimetres along the normal within which positions are one: no short-axis slices are that close."""
SAME_DIRECTION = 1e-2
"""Difference of direction cosines, about half a degree."""
ONE_SERIES = "keep the short-axis cine alone: move long-axis views, scouts and other series out of its folder"
EVEN = 0.1
"""Part of the spacing by which a distance may differ from it."""
SCANNER = 1
"""NIfTI's code of coordinates that are the scanner's."""
TO_RAS = np.array([-1.0, -1.0, 1.0])
"""DICOM's axes point to left, back and head (PS3.3, C.7.6.2.1.1), NIfTI's to right, front and head."""


def check_one_grid(headers: Sequence[FrameHeader]) -> None:
    """Refuse images that cannot be slices of one stack.

    Raises:
        InvalidScanError: Size, spacing or orientation differ.
    """
    planes = {header.plane for header in headers}
    if len(planes) > 1:
        raise InvalidScanError(
            "scan",
            f"images of {len(planes)} sizes or in-plane spacings",
            "the same rows, columns and PixelSpacing in every image",
            ONE_SERIES,
        )
    orientations = np.array([header.orientation for header in headers])
    if np.abs(orientations - orientations[0]).max() > SAME_DIRECTION:
        permitted = "one orientation, as short-axis has"
        raise InvalidScanError("scan", "the images have several orientations", permitted, ONE_SERIES)


def slices_of(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Images by slice, in the order of their positions along the normal.

    Positions closer than half of the usual distance are one slice, acquired again.

    Raises:
        InvalidScanError: All images lie in one place.
    """
    along = _along_normal([frame.header for frame in frames])
    order = np.argsort(along, kind="stable")
    steps = np.diff(along[order])
    apart = steps[steps > SAME_POSITION]
    if apart.size == 0:
        raise InvalidScanError(
            "scan", "the images lie in one slice", "a stack of at least 2 slices", "restore the other slices"
        )
    starts = np.flatnonzero(steps > np.median(apart) / 2) + 1
    return [[frames[place] for place in group] for group in np.split(order, starts)]


def stack_geometry(headers: Sequence[FrameHeader]) -> Geometry:
    """Grid of one phase.

    Args:
        headers: One of each slice, along the normal.

    Returns:
        Shape, spacing (the median distance of positions between slices), and the matrix from column, row and
        slice to the patient position in NIfTI's axes, as qform and sform.

    Source:
        PS3.3, C.7.6.2.1.1, equation of the pixel's position; https://nipy.org/nibabel/dicom/dicom_orientation.html.
    """
    first = headers[0]
    between_slices = float(np.median(np.diff(_along_normal(headers))))
    between_rows, between_columns = first.plane.spacing
    along_row, along_column, normal = _axes(first)
    columns = (along_row * between_columns, along_column * between_rows, normal * between_slices, first.position)
    matrix = np.eye(4)
    matrix[:3] = (np.array(columns) * TO_RAS).T
    placed = _matrix(matrix)
    return Geometry(
        shape=(len(headers), first.plane.rows, first.plane.columns),
        spacing=(between_slices, between_rows, between_columns),
        qform=placed,
        qform_code=SCANNER,
        sform=placed,
        sform_code=SCANNER,
    )


def irregularities(headers: Sequence[FrameHeader]) -> tuple[str, ...]:
    """What is odd about the positions of slices, ``<what>: <count>``; never which ones.

    Args:
        headers: One of each slice, along the normal.
    """
    along = _along_normal(headers)
    steps = np.diff(along)
    ratios = steps / np.median(steps)
    whole = np.round(ratios)
    missing = int((whole[whole > 1] - 1).sum())
    uneven = int((np.abs(ratios - np.maximum(whole, 1)) > EVEN).sum())
    shifts = np.array([header.position for header in headers]) - np.outer(along, _axes(headers[0])[2])
    # half of a pixel, as seen from the slice in the middle
    moved = np.abs(shifts - np.median(shifts, axis=0)).max(axis=1) > min(headers[0].plane.spacing) / 2
    found = {
        "slices missing inside the stack": missing,
        "uneven distances between slices": uneven,
        "slices shifted in their plane": int(moved.sum()),
    }
    return tuple(f"{what}: {count}" for what, count in found.items() if count)


def _along_normal(headers: Sequence[FrameHeader]) -> Vectors:
    """Millimetres along the normal of the first image, shape (images,)."""
    along: Vectors = np.array([header.position for header in headers]) @ _axes(headers[0])[2]
    return along


def _axes(header: FrameHeader) -> tuple[Vectors, Vectors, Vectors]:
    """Unit vectors along a row, along a column and along the normal, at right angles."""
    along_row, along_column = np.array(header.orientation[:3]), np.array(header.orientation[3:])
    along_row = along_row / np.linalg.norm(along_row)
    # few digits in the header leave the second one a little aslant
    along_column = along_column - (along_column @ along_row) * along_row
    along_column = along_column / np.linalg.norm(along_column)
    return along_row, along_column, np.cross(along_row, along_column)


def _matrix(values: Vectors) -> Matrix:
    return tuple(tuple(float(value) for value in row) for row in values)
