"""What the header of one image says, once it can be believed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from faircmr.core.errors import InvalidScanError
from faircmr.sources.dicom.elements import NATIVE, Elements, Tag, compressed

SUPPORTED_BITS, SUPPORTED_SAMPLES, SUPPORTED_PHOTOMETRY = 16, 1, "MONOCHROME2"
FARTHEST = 1e5
"""Millimetres, milliseconds or counts beyond which a number is none of a scanner's."""
SPLIT_FRAMES = (
    "convert enhanced (multi-frame) DICOM to single frames first, for example with emf2sf of dcm4che, "
    "or export the series as classic MR images"
)
RESTORE = "restore the headers as the scanner wrote them; anonymising may have emptied them"
REPLACE_POSITION = (
    "anonymise the originals again and keep this element, which names no person; without the originals, convert the "
    "series to NIfTI with the distance between slices that the protocol states, and use --env nnunet"
)
UNIT_TOLERANCE = 1e-2
"""How far direction cosines may be from unit length and a right angle: some tools write few digits."""


@dataclass(frozen=True)
class PixelFormat:
    """How pixels are stored.

    Attributes:
        syntax: UID of the transfer syntax.
        bits: Bits that are used of 16.
        signed: Whether pixels are in two's complement.
        slope: Factor of the modality's rescaling (PS3.3, C.11.1).
        intercept: What is added after it.
    """

    syntax: str
    bits: int
    signed: bool
    slope: float
    intercept: float


@dataclass(frozen=True)
class Plane:
    """The grid of an image in its plane.

    Attributes:
        rows: Number of rows.
        columns: Number of columns.
        spacing: Millimetres between rows and between columns, ``PixelSpacing``.
    """

    rows: int
    columns: int
    spacing: tuple[float, float]


@dataclass(frozen=True, repr=False)
class FrameHeader:
    """One image of a cine; it has no ``repr`` because UIDs may lead to a person.

    Attributes:
        uid: SOPInstanceUID.
        series_uid: SeriesInstanceUID.
        acquired: Date and time of acquisition, in the standard's digits: it is compared, never shown.
        instance: InstanceNumber, or ``None``.
        trigger_time: Milliseconds after the R wave, or ``None``.
        position: Patient position of the centre of the first pixel in mm; x to the left, y to the back, z to the head.
        orientation: Direction of a row (of growing column), then of a column (of growing row), in those axes.
        plane: Grid of the image.
        pixels: How pixels are stored.
    """

    uid: str
    series_uid: str
    acquired: str
    instance: float | None
    trigger_time: float | None
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    plane: Plane
    pixels: PixelFormat


@dataclass(frozen=True, repr=False)
class Frame:
    """One image: its header, and the way to its file.

    Attributes:
        header: What the header says.
        read: Reads the whole file.
    """

    header: FrameHeader
    read: Callable[[], bytes]


def frame_header(elements: Elements) -> FrameHeader:
    """Check one image's header.

    Raises:
        InvalidScanError: The image is compressed, has several frames, colours or another depth than 16 bits; it
            does not say where it lies, or its spacing is not positive.
    """
    if elements.syntax not in NATIVE:
        raise compressed(elements.syntax)
    _check_single_grey_image(elements)
    return FrameHeader(
        uid=_uid(elements, Tag.SOPInstanceUID),
        series_uid=_uid(elements, Tag.SeriesInstanceUID),
        acquired=elements.text(Tag.AcquisitionDate) + elements.text(Tag.AcquisitionTime),
        instance=_optional(elements, Tag.InstanceNumber),
        trigger_time=_optional(elements, Tag.TriggerTime),
        position=_required(elements, Tag.ImagePositionPatient, 3),
        orientation=_orientation(elements),
        plane=_plane(elements),
        pixels=_pixel_format(elements),
    )


def _check_single_grey_image(elements: Elements) -> None:
    frames = elements.numbers(Tag.NumberOfFrames) or (1.0,)
    if frames != (1.0,):
        raise InvalidScanError("scan", "a DICOM file has several frames", "one image a file", SPLIT_FRAMES)
    photometry = elements.text(Tag.PhotometricInterpretation)
    bits, samples = elements.whole_number(Tag.BitsAllocated), elements.whole_number(Tag.SamplesPerPixel)
    if (bits, samples, photometry) != (SUPPORTED_BITS, SUPPORTED_SAMPLES, SUPPORTED_PHOTOMETRY):
        raise InvalidScanError(
            "scan",
            f"an image has {bits} bits allocated, {samples} samples a pixel, "
            f"photometric interpretation {SUPPORTED_PHOTOMETRY if photometry == SUPPORTED_PHOTOMETRY else 'another'}",
            f"{SUPPORTED_BITS} bits, {SUPPORTED_SAMPLES} sample, {SUPPORTED_PHOTOMETRY}",
            "export the images as the scanner stored them",
        )


def _plane(elements: Elements) -> Plane:
    rows, columns = elements.whole_number(Tag.Rows), elements.whole_number(Tag.Columns)
    if not rows or not columns:
        raise InvalidScanError("scan", f"an image has {rows} rows and {columns} columns", "at least 1 of each", RESTORE)
    between_rows, between_columns = _required(elements, Tag.PixelSpacing, 2)
    if min(between_rows, between_columns) <= 0:
        raise InvalidScanError(
            "scan", f"PixelSpacing is {(between_rows, between_columns)}", "positive millimetres", RESTORE
        )
    return Plane(rows, columns, (between_rows, between_columns))


def _orientation(elements: Elements) -> tuple[float, ...]:
    cosines = _required(elements, Tag.ImageOrientationPatient, 6)
    along_row, along_column = cosines[:3], cosines[3:]
    lengths = math.hypot(*along_row), math.hypot(*along_column)
    slant = sum(one * other for one, other in zip(along_row, along_column, strict=True))
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(slant)) > UNIT_TOLERANCE:
        found = f"ImageOrientationPatient is {cosines}"
        raise InvalidScanError("scan", found, "two unit vectors at a right angle", REPLACE_POSITION)
    return cosines


def _pixel_format(elements: Elements) -> PixelFormat:
    bits, signed = elements.whole_number(Tag.BitsStored), elements.whole_number(Tag.PixelRepresentation)
    if bits is None or not 1 <= bits <= SUPPORTED_BITS or signed not in {0, 1}:
        found = f"BitsStored is {bits}, PixelRepresentation {signed}"
        raise InvalidScanError("scan", found, f"1 to {SUPPORTED_BITS} bits, representation 0 or 1", RESTORE)
    # without a rescaling pixels stand for themselves
    slope, intercept = (
        _required(elements, tag, 1)[0] if tag in elements.values else neutral
        for tag, neutral in ((Tag.RescaleSlope, 1.0), (Tag.RescaleIntercept, 0.0))
    )
    if slope == 0:
        raise InvalidScanError("scan", "RescaleSlope is 0", "a slope other than 0", RESTORE)
    return PixelFormat(elements.syntax, bits, bool(signed), slope, intercept)


def _uid(elements: Elements, tag: Tag) -> str:
    uid = elements.text(tag)
    if not uid:
        raise _missing(tag)
    return uid


def _required(elements: Elements, tag: Tag, count: int) -> tuple[float, ...]:
    values = elements.numbers(tag)
    if not values:
        raise _missing(tag)
    # also refuses what is no number
    if len(values) != count or not all(abs(value) <= FARTHEST for value in values):
        found = f"{tag.name} has {len(values)} values, or one that is no number up to {FARTHEST:.0f}"
        raise InvalidScanError("scan", found, f"{count} finite numbers", RESTORE)
    return values


def _optional(elements: Elements, tag: Tag) -> float | None:
    values = elements.numbers(tag)
    return values[0] if len(values) == 1 and math.isfinite(values[0]) else None


def _missing(tag: Tag) -> InvalidScanError:
    remedy = REPLACE_POSITION if tag in {Tag.ImagePositionPatient, Tag.ImageOrientationPatient} else RESTORE
    return InvalidScanError("scan", f"an image has no {tag.name}", "it in every image", remedy)
