"""NIfTI in and out: voxels, grids and headers; arrays are (slices, rows, columns).

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

from faircmr.core import InvalidScanError
from faircmr.core.host import check_is_file, write_atomically
from faircmr.core.scans import (
    Geometry,
    Image,
    LabelImage,
    LabelValues,
    Matrix,
    Scan,
    ScanFiles,
    Structure,
    place_on_grid,
    placement_on,
)
from faircmr.core.study import DEFAULT_READING, ReadingParameters, check_voxels
from faircmr.sources.label_values import map_label, translate_prediction

if TYPE_CHECKING:
    from nibabel import Nifti1Header, Nifti1Image

_NO_EXTENSIONS = bytes(4)
_DATA_OFFSET = 352
_QUATERNION = ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")


def geometry_of(header: Nifti1Header, what: str = "image", reading: ReadingParameters | None = None) -> Geometry:
    """Grid of a volume, without anything else that a header may hold (names, dates, free text).

    Args:
        header: Header of a 3-D volume or of a 4-D series.
        what: ``image`` or ``label``, for the error.
        reading: Limits of the spacing; ``None`` for what is ours and was within them when it was read.

    Raises:
        InvalidScanError: The spacing is not positive, or outside the limits.
    """
    columns, rows, slices = (int(size) for size in header["dim"][1:4])
    stored = Geometry((slices, rows, columns), (1.0, 1.0, 1.0), units=int(header["xyzt_units"]))
    # other tools write a flipped axis as a negative length
    spacing = tuple(abs(float(length)) * stored.millimetres for length in header["pixdim"][3:0:-1])
    if not all(np.isfinite(size) and size > 0 for size in spacing):
        raise InvalidScanError("scan", f"the {what} has spacing {spacing} mm", "positive millimetres")
    if reading is not None:
        reading.check_spacing((spacing[0], spacing[1], spacing[2]), what)
    return Geometry(
        shape=stored.shape,
        spacing=(spacing[0], spacing[1], spacing[2]),
        qform_code=int(header["qform_code"]),
        sform=_matrix(header.get_sform(coded=True)[0]),
        sform_code=int(header["sform_code"]),
        pixdim=tuple(float(value) for value in header["pixdim"]),
        units=stored.units,
        quaternion=tuple(float(header[name]) for name in _QUATERNION),
    )


def header_of(geometry: Geometry, dtype: np.dtype[Any]) -> bytes:
    """The bytes before the voxels of a single-file NIfTI-1 volume on this grid.

    Args:
        geometry: The grid; without ``pixdim`` its spacing is written.
        dtype: Stored type of the voxels.
    """
    from nibabel import Nifti1Header

    header = Nifti1Header()
    header.set_data_shape(geometry.shape[::-1])
    header.set_data_dtype(dtype)
    if geometry.qform is not None:
        header.set_qform(np.array(geometry.qform), geometry.qform_code)
    if geometry.sform is not None:
        header.set_sform(np.array(geometry.sform))
    # after the qform, which writes its own rounded zooms
    header["pixdim"] = geometry.pixdim or (1.0, *geometry.spacing[::-1], 1.0, 1.0, 1.0, 1.0)
    # as they stood, for a header that was read may hold a code that nibabel does not know
    header["qform_code"], header["sform_code"] = geometry.qform_code, geometry.sform_code
    header["xyzt_units"] = geometry.units
    for name, value in zip(_QUATERNION, geometry.quaternion, strict=False):
        header[name] = value
    header["vox_offset"] = _DATA_OFFSET
    header["scl_slope"], header["scl_inter"] = 1, 0
    return bytes(header.binaryblock) + _NO_EXTENSIONS


def _matrix(values: npt.NDArray[np.float64] | None) -> Matrix | None:
    return None if values is None else tuple(tuple(float(value) for value in row) for row in values)


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
        Exception: Whatever :func:`damage_errors` lists.
    """
    check_is_file(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(FIRST_BYTES)
        compressed = start.startswith(GZIP)
        kind, header = parse_header(_head(start) if compressed else start[:NIFTI2_HEADER_SIZE])
        end = check_voxel_bytes(header, largest_content_size(size, compressed=compressed), what)
        geometry = geometry_of(header, what, reading)
        check_voxels(header.get_data_shape(), what)
        content = start + file.read(largest_file_size(end) if compressed else max(end - len(start), 0))
    raw = _inflate(content, end + ENDING) if compressed else content
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
        Exception: Whatever :func:`damage_errors` lists, of what comes before the frame's end.
    """
    check_is_file(path)
    with path.open("rb") as file:
        compressed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        stream = gzip.GzipFile(fileobj=file) if compressed else file
        kind, header = parse_header(stream.read(NIFTI2_HEADER_SIZE))
        stream.seek(0)
        check_voxel_bytes(header, largest_content_size(path.stat().st_size, compressed=compressed), what)
        geometry = geometry_of(header, what, reading)
        of_frame = _select_frame(kind.from_stream(stream).dataobj, frame, what)
        return _without_single_axes(np.asanyarray(of_frame)), geometry


def axis_count(shape: tuple[int, ...]) -> int:
    """Number of axes of an image, without those of size 1 behind the third, which some tools add."""
    count = len(shape)
    while count > VOLUME and shape[count - 1] == 1:
        count -= 1
    return count


def largest_file_size(end: int) -> int:
    """Bytes that a compressed file can have whose voxels end there: deflate adds at most five bytes in 16 KiB."""
    return end + ENDING + (end + ENDING) // 2**10 + FIRST_BYTES


def parse_header(start: bytes) -> tuple[type[Nifti1Image], Nifti1Header]:
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


def largest_content_size(size: int, *, compressed: bool) -> int:
    """What a file of this size can hold; of a compressed one, what it may hold."""
    if not compressed:
        return size
    return min(LARGEST_COMPRESSION * size, max(FREELY, USUAL_COMPRESSION * size))


def check_voxel_bytes(header: Nifti1Header, most: int, what: str) -> int:
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


def damage_errors() -> tuple[type[Exception], ...]:
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


def _inflate(content: bytes, most: int) -> bytes:
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
    return voxels.reshape(voxels.shape[: axis_count(voxels.shape)], order="F")


def _select_frame(voxels: Any, frame: int, what: str) -> Any:
    if axis_count(voxels.shape) != CINE:
        check_voxels(voxels.shape, what)
        return voxels
    check_voxels(voxels.shape[:VOLUME], what)
    frames = voxels.shape[VOLUME]
    if not 0 <= frame < frames:
        found = f"the {what} has {frames} frames, and frame {frame} (from 0) is asked for"
        raise InvalidScanError("scan", found, "a frame that the cine has", "correct the number of the frame")
    return voxels[:, :, :, frame]


def read_scan(files: ScanFiles, label_values: LabelValues, reading: ReadingParameters = DEFAULT_READING) -> Scan:
    """Read one scan and refuse what cannot be trained on or scored.

    Args:
        files: Image, label (if one was drawn) and the frame of a 4-D file, counted from 0.
        label_values: Meaning of each value of the source's label images; 0 is background.
        reading: Limits of the spacing, and whether headers place the label.

    Returns:
        Image as float32 with the header's intensity scaling applied, label as ``Structure`` values on the image's grid:
        flips, swapped axes and whole-voxel shifts between them are undone.

    Raises:
        InvalidScanError: A file is missing or damaged (of a cine, up to the frame's end); the image is not 3-D,
            has no such frame, a spacing outside the limits, is not finite or constant; the label lies on another grid,
            holds values outside the map, or is all background. The offender is ``scan``: only :meth:`Cohort.read`
            knows the study key.
    """
    image, geometry = _read_volume(files.image, files.frame, "image", reading)
    if not np.isfinite(image).all():
        raise InvalidScanError("scan", "the image holds NaN or infinite intensities", "finite intensities")
    if image.min() == image.max():
        raise InvalidScanError("scan", "the image has the same intensity everywhere", "an image with contrast")
    if files.label is None:
        return Scan(image, None, geometry)
    # its axes may lie in another order: once it is on the image's grid, its spacing is within the limits
    values, label_geometry = _read_volume(files.label, files.frame, "label", None)
    placement = placement_on(geometry, label_geometry, ("image", "label"), by_header=reading.grids == "header")
    return Scan(image, place_on_grid(map_label(values, label_values), placement, "label"), geometry, placement.kind)


def read_mask(
    path: Path, label_values: LabelValues, what: str, reading: ReadingParameters | None = None
) -> tuple[LabelImage, Geometry]:
    """Read a label image of any source.

    Args:
        path: The file, 3-D.
        label_values: Meaning of each value but 0.
        what: What errors call it: ``prediction``, ``reference``.
        reading: Limits of the spacing; ``None`` where it is to be compared with another grid.

    Raises:
        InvalidScanError: The file is missing or damaged, its spacing is outside the limits, or a value is not in the
            map.
    """
    values, geometry = _read_volume(path, None, what, reading)
    return translate_prediction(values, label_values, what), geometry


def read_label(path: Path) -> tuple[LabelImage, Geometry]:
    """Read a label image that :func:`write_label` wrote; nothing but background is permitted.

    Raises:
        InvalidScanError: The file is missing or damaged, or a value is no structure.
    """
    values, geometry = _read_volume(path, None, "label", None)
    return translate_prediction(values, {int(structure): structure for structure in Structure}), geometry


def write_image(path: Path, image: Image | npt.NDArray[np.int16], geometry: Geometry) -> None:
    """Write intensities as ``.nii.gz`` or ``.nii``; equal input gives equal bytes.

    Args:
        path: Where to; the suffix decides on compression.
        image: Shape (slices, rows, columns); its type is the stored type.
        geometry: The grid, written as it stands.

    Raises:
        OutputError: The folder cannot be written.
        ValueError: The shape is not the geometry's.
    """
    _write(path, image, geometry)


def write_label(path: Path, label: LabelImage, geometry: Geometry) -> None:
    """Write a label image as :func:`write_image` does; values are stored as they are."""
    _write(path, label, geometry)


def _read_volume(path: Path, frame: int | None, what: str, reading: ReadingParameters | None) -> tuple[Image, Geometry]:
    try:
        data, geometry = parse_file(path, what, reading) if frame is None else parse_frame(path, frame, what, reading)
    except FileNotFoundError:
        raise InvalidScanError("scan", f"the {what} file is missing", "a NIfTI file for every listed scan") from None
    except damage_errors():
        # what the libraries say holds the path
        raise InvalidScanError(
            "scan", f"the {what} file is truncated or damaged", "a whole NIfTI file (.nii or .nii.gz)"
        ) from None
    if data.ndim != 3 or 0 in data.shape or data.dtype.fields is not None:
        raise InvalidScanError("scan", f"the {what} has {data.ndim} dimensions", "3 dimensions, none of them empty")
    # what is too large for 32 bits becomes infinite, and is refused as that
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(data.T, dtype=np.float32), geometry


def _write(path: Path, array: npt.NDArray[Any], geometry: Geometry) -> None:
    if array.shape != geometry.shape:
        raise ValueError(f"array of shape {array.shape} on a grid of shape {geometry.shape}")
    header = header_of(geometry, array.dtype)
    # (slices, rows, columns) in C order is (columns, rows, slices) in NIfTI's Fortran order
    content = header + np.ascontiguousarray(array).tobytes()
    compressed = path.suffix == ".gz"
    write_atomically(path, gzip.compress(content, compresslevel=1, mtime=0) if compressed else content)
