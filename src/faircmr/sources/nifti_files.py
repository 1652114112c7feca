"""Voxels and grid of a NIfTI file: a whole volume, or one frame of a cine.

A header is believed once it promises no more than the file can hold: before that nothing is allocated or inflated.
"""

from __future__ import annotations

import gzip
import logging
import zlib
from functools import cache
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidScanError
from faircmr.core.files import check_is_file
from faircmr.core.reading import ReadingParameters, check_voxels
from faircmr.core.scan import Geometry
from faircmr.sources.geometry import geometry_of

if TYPE_CHECKING:
    from nibabel import Nifti1Header, Nifti1Image

GZIP = b"\x1f\x8b"
GZIP_WINDOW = zlib.MAX_WBITS | 16
"""A deflated stream with the header and the end of a gzip file."""
NIFTI2_HEADER_SIZE = 540
FIRST_BYTES = 2**16
"""Of a file, compressed or not: the header is in them."""
LARGEST_COMPRESSION = 1032
"""Times that deflate can shrink a file: a header that promises more lies."""
USUAL_COMPRESSION, FREELY = 100, 2**31
"""Times that a file may be inflated which becomes larger than this many bytes; images shrink to a half."""
ENDING = 2**20
"""Bytes that may follow the voxels: some tools pad their files."""
NUMBERS = "iuf"
"""Kinds of NumPy's types that hold one real number."""
VOLUME, CINE = 3, 4
"""Dimensions of an image without and with time."""

Parsed = tuple[npt.NDArray[Any], Geometry]


def parse_file(path: Path, what: str, reading: ReadingParameters | None = None) -> Parsed:
    """Read all of a file, decompressed to its end: only that checks the length and CRC of a compressed one.

    Args:
        path: ``.nii`` or ``.nii.gz``, compressed or not whatever it is called.
        what: What errors call it: ``image``, ``label``.
        reading: Limits of the spacing, checked before voxels are read; ``None`` for none.

    Returns:
        Voxels in the axes of NIfTI with the header's scaling applied, without axes of size 1 behind the third, and
        their grid.

    Raises:
        InvalidScanError: The spacing is not positive or outside the limits, or the voxels are too many or no real
            numbers.
        Exception: Whatever :func:`damage` lists.
    """
    check_is_file(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(FIRST_BYTES)
        compressed = start.startswith(GZIP)
        kind, header = header_in(_head(start) if compressed else start[:NIFTI2_HEADER_SIZE])
        end = check_promise(header, most_bytes(size, compressed=compressed), what)
        geometry = geometry_of(header, what, reading)
        check_voxels(header.get_data_shape(), what)
        content = start + file.read(most_content(end) if compressed else max(end - len(start), 0))
    raw = _inflated(content, end + ENDING) if compressed else content
    return _without_single_axes(np.asanyarray(kind.from_bytes(raw).dataobj)), geometry


def parse_frame(path: Path, frame: int, what: str, reading: ReadingParameters | None = None) -> Parsed:
    """Read one frame of a cine: the file is decompressed up to the end of it, and nothing but it is held.

    Args:
        path: As for :func:`parse_file`. A volume is read whole: a label that was drawn for one frame may lie
            beside a cine.
        frame: Which one, from 0.
        what: As for :func:`parse_file`.
        reading: As for :func:`parse_file`.

    Returns:
        As :func:`parse_file`.

    Raises:
        InvalidScanError: The cine has no such frame, or as :func:`parse_file`.
        Exception: Whatever :func:`damage` lists, of what comes before the frame's end.
    """
    check_is_file(path)
    with path.open("rb") as file:
        compressed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if compressed else file
        kind, header = header_in(stream.read(NIFTI2_HEADER_SIZE))
        stream.seek(0)
        check_promise(header, most_bytes(path.stat().st_size, compressed=compressed), what)
        geometry = geometry_of(header, what, reading)
        of_frame = _frame(kind.from_stream(stream).dataobj, frame, what)
        return _without_single_axes(np.asanyarray(of_frame)), geometry


def dimensions(shape: tuple[int, ...]) -> int:
    """Number of axes of an image, without those of size 1 behind the third, which some tools add."""
    count = len(shape)
    while count > VOLUME and shape[count - 1] == 1:
        count -= 1
    return count


def most_content(end: int) -> int:
    """Bytes that a compressed file can have whose voxels end there: deflate adds at most five bytes in 16 KiB."""
    return end + ENDING + (end + ENDING) // 2**10 + FIRST_BYTES


def header_in(start: bytes) -> tuple[type[Nifti1Image], Nifti1Header]:
    """Header of NIfTI-1 or NIfTI-2, told apart by the first four bytes of a file.

    Args:
        start: At least the first 540 bytes, or all of a shorter file.
    """
    from nibabel import Nifti1Image, Nifti2Image

    _silence_nibabel()
    size = {int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")}
    kind = Nifti2Image if NIFTI2_HEADER_SIZE in size else Nifti1Image
    # unchecked, because nibabel's check would turn a spacing of 0 into 1 mm
    return kind, kind.header_class(start[: kind.header_class.template_dtype.itemsize], check=False)


def most_bytes(size: int, *, compressed: bool) -> int:
    """What a file of this size can hold; of a compressed one, what it may hold."""
    if not compressed:
        return size
    return min(LARGEST_COMPRESSION * size, max(FREELY, USUAL_COMPRESSION * size))


def check_promise(header: Nifti1Header, most: int, what: str) -> int:
    """Where the voxels end, in bytes, if the file can hold so many.

    Raises:
        InvalidScanError: The voxels are no real numbers.
        EOFError: It cannot.
    """
    dtype = header.get_data_dtype()
    if dtype.kind not in NUMBERS:
        raise InvalidScanError("scan", f"the voxels of the {what} are of type {dtype}", "one real number a voxel")
    end: int = int(header.get_data_offset()) + dtype.itemsize * prod(map(int, header.get_data_shape()))
    if end > most:
        raise EOFError
    return end


def damage() -> tuple[type[Exception], ...]:
    """Everything that reading a damaged file was seen to raise."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    of_nibabel = (ImageFileError, HeaderDataError, WrapStructError)
    # nibabel looks an unknown type up in a dictionary
    return (OSError, EOFError, KeyError, OverflowError, ValueError, zlib.error, *of_nibabel)


@cache
def _silence_nibabel() -> None:
    """Nibabel tells stderr by a handler of its own what it finds odd in a header, and quotes it."""
    logging.getLogger("nibabel.global").setLevel(logging.CRITICAL)


def _head(content: bytes) -> bytes:
    return zlib.decompressobj(GZIP_WINDOW).decompress(content, NIFTI2_HEADER_SIZE)


def _inflated(content: bytes, most: int) -> bytes:
    """All members of a gzip file, length and CRC checked; no more than that is inflated."""
    parts: list[bytes] = []
    while content:
        member = zlib.decompressobj(GZIP_WINDOW)
        parts.append(member.decompress(content, most + 1))
        most -= len(parts[-1])
        if most < 0 or not member.eof:
            raise EOFError
        # zeros may follow (gzip's manual, "Using gzip on tapes")
        content = member.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _without_single_axes(voxels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    # in the order of the file, in which voxels lie already
    return voxels.reshape(voxels.shape[: dimensions(voxels.shape)], order="F")


def _frame(voxels: Any, frame: int, what: str) -> Any:
    if dimensions(voxels.shape) != CINE:
        check_voxels(voxels.shape, what)
        return voxels
    check_voxels(voxels.shape[:VOLUME], what)
    frames = voxels.shape[VOLUME]
    if not 0 <= frame < frames:
        found = f"the {what} has {frames} frames, and frame {frame} (from 0) is asked for"
        raise InvalidScanError("scan", found, "a frame that the cine has", "correct the number of the frame")
    return voxels[:, :, :, frame]
