"""Headers of DICOM images: their elements, decoded and validated.

Decoded here, because pydicom quotes in warnings what it finds odd, and that may be an id.
"""

from __future__ import annotations

import logging
import math
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from faircmr.core import InvalidScanError

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement, RawDataElement

IMPLICIT, EXPLICIT, BIG_ENDIAN = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
NATIVE = frozenset({IMPLICIT, EXPLICIT, BIG_ENDIAN})
"""Transfer syntaxes (PS3.5, annex A) in which pixels stand as they are."""
DECOMPRESS_ANY = "gdcmconv --raw"
"""Of GDCM; decompresses JPEG, JPEG-LS, JPEG 2000, RLE and deflated files."""
DECOMPRESSION = (
    (DEFLATED, "dcmconv +te"),
    ("1.2.840.10008.1.2.5", "dcmdrle"),
    ("1.2.840.10008.1.2.4.8", "dcmdjpls"),
    *((f"1.2.840.10008.1.2.4.{group}", "dcmdjpeg") for group in (5, 6, 7)),
)
"""Tool of DCMTK, which has none for JPEG 2000, by the beginning of the transfer syntax: RLE, JPEG-LS and JPEG."""


class Tag(IntEnum):
    """The elements that are used, by the standard's keywords (PS3.6); none of them names a person."""

    TransferSyntaxUID = 0x00020010
    SOPInstanceUID = 0x00080018
    AcquisitionDate = 0x00080022
    AcquisitionTime = 0x00080032
    SeriesDescription = 0x0008103E
    TriggerTime = 0x00181060
    SeriesInstanceUID = 0x0020000E
    InstanceNumber = 0x00200013
    ImagePositionPatient = 0x00200032
    ImageOrientationPatient = 0x00200037
    SamplesPerPixel = 0x00280002
    PhotometricInterpretation = 0x00280004
    NumberOfFrames = 0x00280008
    Rows = 0x00280010
    Columns = 0x00280011
    PixelSpacing = 0x00280030
    BitsAllocated = 0x00280100
    BitsStored = 0x00280101
    PixelRepresentation = 0x00280103
    RescaleIntercept = 0x00281052
    RescaleSlope = 0x00281053
    PixelData = 0x7FE00010


@dataclass(frozen=True, repr=False)
class Elements:
    """Values of one file, as bytes.

    Attributes:
        syntax: UID of the transfer syntax.
        values: Bytes of each element that the file has.
    """

    syntax: str
    values: Mapping[int, bytes]

    def text(self, tag: Tag) -> str:
        """A string, without the padding; empty where the file has none."""
        return self.values.get(tag, b"").decode("ascii", "replace").strip(" \0")

    def numbers(self, tag: Tag) -> tuple[float, ...]:
        """Decimal or integer strings; empty where the file has none, NaN where one is no number."""
        text = self.text(tag)
        return tuple(_number(part) for part in text.split("\\")) if text else ()

    def whole_number(self, tag: Tag) -> int | None:
        """An unsigned number of 16 bits, or ``None`` where the file has none."""
        value = self.values.get(tag, b"")
        return int.from_bytes(value, "big" if self.syntax == BIG_ENDIAN else "little") if len(value) == 2 else None


def compressed_error(syntax: str) -> InvalidScanError:
    """The error of a transfer syntax whose pixels would have to be decompressed."""
    from pydicom.uid import AllTransferSyntaxes

    # only a name of the standard is quoted: what else stands there may be anything
    names = {str(known): known.name for known in AllTransferSyntaxes}
    return InvalidScanError(
        "scan",
        f"the transfer syntax of an image is {names.get(syntax, 'an unknown one')}",
        "uncompressed pixels (implicit or explicit VR)",
        f"decompress every file first, for example with {_decompression(syntax)}",
    )


def _decompression(syntax: str) -> str:
    """The command that decompresses files of this transfer syntax."""
    own = next((tool for prefix, tool in DECOMPRESSION if syntax.startswith(prefix)), "")
    return f"{own} or {DECOMPRESS_ANY}" if own else DECOMPRESS_ANY


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


MAGIC, MAGIC_AT = b"DICM", 128
LAST_OF_HEADER = Tag.RescaleSlope
SEVERAL = 2**13
"""Bytes that hold the header of most images; Siemens' private elements, which come later, may take 100 kB."""
GROWTH = 16
DAMAGE = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, NotImplementedError, RecursionError)
"""What pydicom was seen to raise of damaged files, besides ``struct.error``."""


def is_dicom(head: bytes) -> bool:
    """Whether a file begins as PS3.10 says that DICOM files do."""
    return head[MAGIC_AT : MAGIC_AT + len(MAGIC)] == MAGIC


def read_header(head: Callable[[int], bytes]) -> Elements | None:
    """Read the elements before the pixels, and no more of the file than they need.

    Args:
        head: Gives that many first bytes of a file, fewer where the file ends.

    Returns:
        The elements, or ``None`` for a file that is no DICOM.

    Raises:
        InvalidScanError: The file is damaged.
    """
    size = SEVERAL
    content = head(size)
    if not is_dicom(content):
        return None
    while len(content) == size:
        elements = _whole_header(content)
        if elements is not None:
            return elements
        size *= GROWTH
        content = head(size)
    return _elements(content, LAST_OF_HEADER)[0]


def read_pixel_bytes(content: bytes) -> bytes:
    """The pixels of a file as they stand there; empty where it has none.

    Raises:
        InvalidScanError: The file is damaged.
    """
    return _elements(content, Tag.PixelData)[0].values.get(Tag.PixelData, b"")


class _StopAfterTag:
    """Stops the parser before the first tag beyond the last one, and remembers that there was one."""

    def __init__(self, last: int) -> None:
        self.last, self.met = last, False

    def __call__(self, tag: int, vr: str | None, length: int) -> bool:
        self.met = tag > self.last
        return self.met


def _whole_header(content: bytes) -> Elements | None:
    """Elements of the beginning of a file, if it holds all that are wanted."""
    try:
        elements, complete = _elements(content, LAST_OF_HEADER)
    except InvalidScanError:
        # a sequence may have been cut off
        return None
    return elements if complete else None


def _elements(content: bytes, last: int) -> tuple[Elements, bool]:
    """Elements up to the last tag, and whether the content goes on beyond it."""
    try:
        return _parsed(content, last)
    except (*DAMAGE, struct.error):
        raise InvalidScanError("scan", "a DICOM file is damaged", "whole DICOM files", "download them again") from None


def _parsed(content: bytes, last: int) -> tuple[Elements, bool]:
    stream = BytesIO(content)
    stream.seek(MAGIC_AT + len(MAGIC))
    # the standard has this group in this encoding whatever follows it
    meta = _walk(stream, EXPLICIT, _StopAfterTag(0x0002FFFF))
    syntax = Elements(EXPLICIT, meta).text(Tag.TransferSyntaxUID)
    if syntax == DEFLATED:
        raise compressed_error(syntax)
    end = _StopAfterTag(last)
    values = _walk(stream, syntax, end)
    return Elements(syntax, values), end.met


def _walk(stream: BytesIO, syntax: str, end: _StopAfterTag) -> dict[int, bytes]:
    from pydicom.tag import BaseTag

    # compressed syntaxes have the encoding of EXPLICIT
    encoding = (syntax == IMPLICIT, syntax != BIG_ENDIAN)
    wanted: list[BaseTag | int] = list(Tag)
    found = _parser()(stream, *encoding, stop_when=end, specific_tags=wanted)
    return {int(element.tag): element.value for element in found if isinstance(element.value, bytes)}


@cache
def _parser() -> Callable[..., Iterator[RawDataElement | DataElement]]:
    """The parser of pydicom, silenced: its warnings quote what it finds odd, and that may be anything."""
    from pydicom.filereader import data_element_generator

    warnings.filterwarnings("ignore", module=r"pydicom\b")
    logging.getLogger("pydicom").setLevel(logging.ERROR)
    return data_element_generator


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
        raise compressed_error(elements.syntax)
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
        raise _missing_error(tag)
    return uid


def _required(elements: Elements, tag: Tag, count: int) -> tuple[float, ...]:
    values = elements.numbers(tag)
    if not values:
        raise _missing_error(tag)
    # also refuses what is no number
    if len(values) != count or not all(abs(value) <= FARTHEST for value in values):
        found = f"{tag.name} has {len(values)} values, or one that is no number up to {FARTHEST:.0f}"
        raise InvalidScanError("scan", found, f"{count} finite numbers", RESTORE)
    return values


def _optional(elements: Elements, tag: Tag) -> float | None:
    values = elements.numbers(tag)
    return values[0] if len(values) == 1 and math.isfinite(values[0]) else None


def _missing_error(tag: Tag) -> InvalidScanError:
    remedy = REPLACE_POSITION if tag in {Tag.ImagePositionPatient, Tag.ImageOrientationPatient} else RESTORE
    return InvalidScanError("scan", f"an image has no {tag.name}", "it in every image", remedy)
