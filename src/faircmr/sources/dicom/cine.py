"""A short-axis cine from DICOM images: slices, phases, grid and pixels.

SliceLocation, SliceThickness, SpacingBetweenSlices and the number of the series are never asked: slices of 8 mm
with gaps of 2 mm lie 10 mm apart, and what is measured on them would be 20 % too small.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidScanError
from faircmr.core.scans import Geometry, Image, Matrix
from faircmr.sources.dicom.headers import (
    BIG_ENDIAN,
    RESTORE,
    SUPPORTED_BITS,
    Frame,
    FrameHeader,
    PixelFormat,
    read_pixel_bytes,
)

Clock = Callable[[Frame], float]
"""Time of an image within the heart cycle, in milliseconds or in places."""


def choose_clock(frames: Sequence[Frame]) -> tuple[Clock | None, bool]:
    """What tells the phases apart.

    Args:
        frames: All images of a cine.

    Returns:
        TriggerTime where every image has one and they are not all equal, else InstanceNumber, else ``None``;
        and whether it is in milliseconds.
    """
    triggers = [frame.header.trigger_time for frame in frames]
    if None not in triggers and len(set(triggers)) > 1:
        return _trigger_time, True
    if all(frame.header.instance is not None for frame in frames):
        return _instance, False
    return None, False


def without_copies(frames: Sequence[Frame], contoured: Collection[str]) -> list[Frame]:
    """Leave out images that stand twice: of one series, place, number and trigger time.

    Args:
        frames: All images of a cine.
        contoured: SOPInstanceUIDs that somebody has drawn on: of two copies that one is kept, else the last.
    """
    kept = {
        (header.series_uid, header.position, header.instance, header.trigger_time): frame
        for frame in sorted(frames, key=lambda frame: (frame.header.uid in contoured, *_recency_key(frame)))
        for header in [frame.header]
    }
    return list(kept.values())


def acquisitions_of(frames: Sequence[Frame], clock: Clock) -> list[list[Frame]]:
    """Divide the images of one slice into acquisitions, each in the order of time.

    A new acquisition begins with a new series, or where time falls back by more than half of a cycle while
    InstanceNumber rises: a series may hold the same slice twice.
    """
    ordered = sorted(frames, key=lambda frame: (frame.header.series_uid, frame.header.instance or 0.0, clock(frame)))
    of_each_series = (list(group) for _, group in groupby(ordered, key=lambda frame: frame.header.series_uid))
    return [sorted(part, key=clock) for series in of_each_series for part in _split_acquisitions(series, clock)]


def choose_acquisition(acquisitions: Sequence[list[Frame]], contoured: Collection[str]) -> tuple[list[Frame], bool]:
    """The acquisition of a slice that counts, and whether it has contours.

    It is the one with most contours, of equals the one with most phases (a scan may have been broken off), of
    equals the last.

    Source:
        ``biobank_utils.py`` of baiwenjia/ukbb_cardiac, which takes the annotated series, else the last one.
    """

    def worth(acquisition: list[Frame]) -> tuple[int, int, tuple[str, ...]]:
        return (
            _count_contoured(acquisition, contoured),
            len(acquisition),
            max(_recency_key(frame) for frame in acquisition),
        )

    best = max(acquisitions, key=worth)
    return best, _count_contoured(best, contoured) > 0


def _split_acquisitions(series: list[Frame], clock: Clock) -> list[list[Frame]]:
    times = [clock(frame) for frame in series]
    half = (max(times) - min(times)) / 2
    starts = [place for place in range(1, len(times)) if times[place - 1] - times[place] > half]
    return [series[start:end] for start, end in zip([0, *starts], [*starts, len(series)], strict=True)]


def _count_contoured(acquisition: list[Frame], contoured: Collection[str]) -> int:
    return sum(frame.header.uid in contoured for frame in acquisition)


def _recency_key(frame: Frame) -> tuple[str, ...]:
    # the UID decides where nothing else does, so that the order of files never matters
    return frame.header.acquired, frame.header.uid


def _trigger_time(frame: Frame) -> float:
    return frame.header.trigger_time or 0.0


def _instance(frame: Frame) -> float:
    return frame.header.instance or 0.0


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


WHOLE_NUMBERS = np.dtype(np.int16)


def read_pixels(content: bytes, header: FrameHeader) -> Image:
    """Intensities of one image.

    Args:
        content: The whole DICOM file.
        header: Its header.

    Returns:
        Rescaled intensities, shape (rows, columns); finite, because headers hold no slope that is not.

    Raises:
        InvalidScanError: The pixels are damaged, or fewer than rows x columns.

    Source:
        PS3.5, section 8: a pixel is the lower ``BitsStored`` bits of its cell; the others may hold anything.
    """
    raw, (rows, columns) = read_pixel_bytes(content), (header.plane.rows, header.plane.columns)
    stored = _stored_type(header.pixels)
    if len(raw) < rows * columns * stored.itemsize:
        found = f"an image has {len(raw)} bytes of pixels"
        raise InvalidScanError("scan", found, f"{rows} x {columns} x {stored.itemsize}", "download it again")
    cells = np.frombuffer(raw, stored, rows * columns).astype(stored.newbyteorder("="))
    unused = SUPPORTED_BITS - header.pixels.bits
    image: Image = ((cells << unused) >> unused).reshape(rows, columns).astype(np.float32)
    return _rescaled(image, header.pixels)


def output_type(formats: frozenset[PixelFormat]) -> np.dtype[Any]:
    """The smallest type that holds the intensities of all images: 16-bit integers, or 32-bit floats.

    Args:
        formats: How the pixels of each image are stored.
    """
    whole = all(
        (form.slope, form.intercept) == (1.0, 0.0) and (form.signed or form.bits < SUPPORTED_BITS) for form in formats
    )
    return WHOLE_NUMBERS if whole else np.dtype(np.float32)


def _stored_type(pixels: PixelFormat) -> np.dtype[Any]:
    order = ">" if pixels.syntax == BIG_ENDIAN else "<"
    return np.dtype(f"{order}{'i' if pixels.signed else 'u'}2")


def _rescaled(image: Image, pixels: PixelFormat) -> Image:
    if (pixels.slope, pixels.intercept) == (1.0, 0.0):
        return image
    return image * np.float32(pixels.slope) + np.float32(pixels.intercept)


Stack = Sequence[Sequence[Frame]]
"""Images by slice and phase."""
FEWEST_PHASES = 2
RESTORE_IMAGES = "restore the images of the whole cine"


@dataclass(frozen=True, eq=False)
class ShortAxisCine:
    """A stack of slices over the heart cycle, whose pixels are read when they are asked for.

    Attributes:
        uids: SOPInstanceUID by slice and phase.
        geometry: Grid of one phase; slices along the normal of the images.
        trigger_times: Milliseconds after the R wave by slice and phase; NaN where headers do not say.
        stored_type: Type that holds the intensities without loss.
        problems: What was found and how it was resolved, ``<what>: <count>``; nothing that leads to a person.
        stack: The images, by slice and phase.
    """

    uids: tuple[tuple[str, ...], ...] = field(repr=False)
    geometry: Geometry
    trigger_times: tuple[tuple[float, ...], ...]
    stored_type: np.dtype[Any]
    problems: tuple[str, ...]
    stack: Stack = field(repr=False)

    @property
    def phases(self) -> int:
        """Number of phases."""
        return len(self.stack[0])

    def frame(self, index: int) -> Image:
        """Intensities of one phase.

        Args:
            index: Place of the phase, from 0.

        Returns:
            Rescaled intensities, shape (slices, rows, columns).

        Raises:
            InvalidScanError: An image is damaged or shorter than it should be.
        """
        images = [of_slice[index] for of_slice in self.stack]
        return np.stack([read_pixels(image.read(), image.header) for image in images])


def build_cine(frames: Sequence[Frame], contoured: Collection[str]) -> ShortAxisCine:
    """Put the images of one cine in order.

    Slices are in the order of their positions, phases in the order of trigger times. Of several acquisitions of
    a slice the one with contours is taken, else the last of those with most phases. All slices have the number of
    phases that most have: a slice at an end of the stack that has another one is left out, one inside the stack is
    refused.

    Args:
        frames: Images of one short-axis cine and of nothing else, in any order.
        contoured: SOPInstanceUIDs that somebody has drawn on; may be empty.

    Raises:
        InvalidScanError: The images are no stack of at least 2 slices and 2 phases on one grid.
    """
    if not frames:
        raise InvalidScanError("scan", "there are no images", "DICOM images of a short-axis cine", RESTORE_IMAGES)
    check_one_grid([frame.header for frame in frames])
    kept = without_copies(frames, contoured)
    _check_uids(kept)
    clock, timed = choose_clock(kept)
    if clock is None:
        permitted = "TriggerTime or InstanceNumber in every image"
        raise InvalidScanError("scan", "the order of phases is unknown", permitted, RESTORE)
    once, repeats = _choose_acquisitions(slices_of(kept), clock, contoured)
    stack, incomplete = _with_equal_phases(once)
    first = [of_slice[0].header for of_slice in stack]
    problems = (
        *_counted(len(frames) - len(kept), "images that stand twice, taken once"),
        *repeats,
        *(() if timed else ("TriggerTime does not tell the phases apart, their order is that of InstanceNumber",)),
        *incomplete,
        *irregularities(first),
    )
    return ShortAxisCine(
        uids=tuple(tuple(frame.header.uid for frame in of_slice) for of_slice in stack),
        geometry=stack_geometry(first),
        trigger_times=tuple(tuple(clock(frame) if timed else np.nan for frame in of_slice) for of_slice in stack),
        stored_type=output_type(frozenset(frame.header.pixels for of_slice in stack for frame in of_slice)),
        problems=problems,
        stack=stack,
    )


def _check_uids(frames: Sequence[Frame]) -> None:
    repeated = len(frames) - len({frame.header.uid for frame in frames})
    if repeated:
        raise InvalidScanError(
            "scan",
            f"images that share a SOPInstanceUID: {repeated}",
            "one of its own for each image",
            "remove copies, and let anonymising give each image a UID of its own",
        )


def _choose_acquisitions(slices: Stack, clock: Clock, contoured: Collection[str]) -> tuple[Stack, tuple[str, ...]]:
    """One acquisition of each slice, and what is to be said of the others."""
    choices = [acquisitions_of(of_slice, clock) for of_slice in slices]
    taken = [choose_acquisition(acquisitions, contoured) for acquisitions in choices]
    drawn_on = [drawn for acquisitions, (_, drawn) in zip(choices, taken, strict=True) if len(acquisitions) > 1]
    problems = (
        *_counted(sum(drawn_on), "slices acquired more than once, the acquisition with contours taken"),
        *_counted(len(drawn_on) - sum(drawn_on), "slices acquired more than once, the last whole one taken"),
    )
    return [acquisition for acquisition, _ in taken], problems


def _with_equal_phases(slices: Stack) -> tuple[Stack, tuple[str, ...]]:
    counts = Counter(len(of_slice) for of_slice in slices)
    usual = max(counts, key=lambda phases: (counts[phases], phases))
    complete = [place for place, of_slice in enumerate(slices) if len(of_slice) == usual]
    inside = slices[complete[0] : complete[-1] + 1]
    if len(inside) != len(complete):
        found = f"slices inside the stack with other than {usual} phases: {len(inside) - len(complete)}"
        raise InvalidScanError("scan", found, "the same number of phases in every slice", "restore the missing images")
    if usual < FEWEST_PHASES or len(inside) < 2:
        found = f"{len(inside)} slices of {usual} phases"
        raise InvalidScanError("scan", found, f"a cine: 2 slices and {FEWEST_PHASES} phases or more", RESTORE_IMAGES)
    left_out = len(slices) - len(inside)
    return inside, _counted(left_out, f"slices at an end of the stack with other than {usual} phases, left out")


def _counted(count: int, what: str) -> tuple[str, ...]:
    return (f"{what}: {count}",) if count else ()
