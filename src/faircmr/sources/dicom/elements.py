"""Data elements of a DICOM file, decoded from the bytes that they are.

Decoded here, because pydicom quotes in warnings what it finds odd, and that may be an id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from faircmr.core.errors import InvalidScanError

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


def compressed(syntax: str) -> InvalidScanError:
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
