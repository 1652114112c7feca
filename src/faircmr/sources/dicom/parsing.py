"""The elements of a DICOM file that are used; pydicom walks through the file."""

from __future__ import annotations

import logging
import struct
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from faircmr.core.errors import InvalidScanError
from faircmr.sources.dicom.elements import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT, Elements, Tag, compressed

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement, RawDataElement

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


class _End:
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
    meta = _walk(stream, EXPLICIT, _End(0x0002FFFF))
    syntax = Elements(EXPLICIT, meta).text(Tag.TransferSyntaxUID)
    if syntax == DEFLATED:
        raise compressed(syntax)
    end = _End(last)
    values = _walk(stream, syntax, end)
    return Elements(syntax, values), end.met


def _walk(stream: BytesIO, syntax: str, end: _End) -> dict[int, bytes]:
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
