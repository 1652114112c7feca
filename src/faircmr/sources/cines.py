"""Cines and single volumes in NIfTI, read and written one frame at a time.

A compressed cine is decompressed once, from front to back, and never held whole: opening it anew for
each of 30 frames takes thirteen times as long.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidScanError
from faircmr.core.host import check_is_file, write_atomically
from faircmr.core.scans import Geometry, Image, Scan
from faircmr.core.study import DEFAULT_READING, ReadingParameters, check_voxels
from faircmr.sources.dicom import ShortAxisCine
from faircmr.sources.nifti import (
    CINE,
    ENDING,
    GZIP,
    NIFTI2_HEADER_SIZE,
    VOLUME,
    axis_count,
    check_voxel_bytes,
    damage_errors,
    geometry_of,
    header_of,
    largest_content_size,
    parse_header,
)

if TYPE_CHECKING:
    from nibabel import Nifti1Image


def read_cine(path: Path, reading: ReadingParameters = DEFAULT_READING) -> Iterator[tuple[int | None, Scan]]:
    """Read the frames of a file, one in memory at a time.

    Args:
        path: ``.nii`` or ``.nii.gz``, compressed or not whatever it is called; 3-D, or 4-D with time last.
        reading: Limits of the spacing, checked before voxels are read.

    Yields:
        Place of the frame in a 4-D file, from 0, or ``None`` in a 3-D file; intensities as float32 with
        the header's scaling applied, shape (slices, rows, columns).

    Raises:
        InvalidScanError: The file is missing or damaged (in a compressed file this may show only after
            its last frame), has another number of dimensions, axes in another order, a spacing that is
            not positive or outside the limits, or intensities that are not finite. The offender is ``scan``.
    """
    try:
        check_is_file(path)
        compressed = _is_compressed(path)
        with gzip.open(path) if compressed else path.open("rb") as stream:
            most = largest_content_size(path.stat().st_size, compressed=compressed)
            yield from _frames(*_open_image(stream, most, reading))
            # length and CRC of a compressed file stand at its end, and a bomb may stand there too
            if len(stream.read(ENDING + 1)) > ENDING:
                raise EOFError
    except FileNotFoundError:
        raise InvalidScanError("scan", "the file is missing", "a NIfTI file for every listed scan") from None
    except damage_errors():
        # what the libraries say holds the path
        raise InvalidScanError(
            "scan", "the image file is truncated or damaged", "a whole NIfTI file (.nii or .nii.gz)"
        ) from None


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _open_image(stream: BufferedIOBase, most: int, reading: ReadingParameters) -> tuple[Nifti1Image, Geometry]:
    """Image whose voxels are still in the file, once its header can be believed."""
    kind, header = parse_header(stream.read(NIFTI2_HEADER_SIZE))
    stream.seek(0)
    image = kind.from_stream(stream)
    _check_axes(image.shape)
    check_voxel_bytes(header, most, "image")
    check_voxels(image.shape[:VOLUME], "image")
    return image, geometry_of(header, "image", reading)


def _check_axes(shape: tuple[int, ...]) -> None:
    if axis_count(shape) not in {VOLUME, CINE} or 0 in shape:
        raise InvalidScanError("scan", f"the image has {len(shape)} dimensions", "3, or 4 with time, none empty")
    columns, rows, slices = shape[:VOLUME]
    if slices > min(columns, rows):
        found = f"the image has {slices} slices of {rows} x {columns} pixels"
        raise InvalidScanError("scan", found, "axes in the order columns, rows, slices and, of a cine, time")


def _frames(image: Nifti1Image, geometry: Geometry) -> Iterator[tuple[int | None, Scan]]:
    rest = (0,) * (len(image.shape) - CINE)
    if axis_count(image.shape) == VOLUME:
        # axes of size 1 behind the third
        yield None, _scan(np.asanyarray(image.dataobj).reshape(image.shape[:VOLUME], order="F"), geometry)
        return
    for index in range(image.shape[VOLUME]):
        yield index, _scan(np.asanyarray(image.dataobj[(..., index, *rest)]), geometry)


def _scan(voxels: npt.NDArray[Any], geometry: Geometry) -> Scan:
    # what is too large for 32 bits becomes infinite, and is refused as that
    with np.errstate(over="ignore", invalid="ignore"):
        image: Image = np.ascontiguousarray(voxels.T, dtype=np.float32)
    if not np.isfinite(image).all():
        raise InvalidScanError("scan", "the image holds NaN or infinite intensities", "finite intensities")
    return Scan(image, None, geometry)


GZIP_WINDOW = zlib.MAX_WBITS | 16
"""A deflated stream with the header and the end of a gzip file; the time in it is 0."""
MILLIMETRES_AND_SECONDS = 2 | 8
"""NIfTI's code of units."""


def write_cine(path: Path, cine: ShortAxisCine) -> None:
    """Write all phases as ``.nii.gz``, time last; equal input gives equal bytes.

    Only the compressed file is held whole, so that it appears whole or not at all.

    Args:
        path: Where to.
        cine: Its ``stored_type`` is the stored type.

    Raises:
        InvalidScanError: An image is damaged.
        OutputError: The folder cannot be written.
    """
    packer = zlib.compressobj(1, zlib.DEFLATED, GZIP_WINDOW)
    packed = [packer.compress(part) for part in _file_parts(cine)]
    write_atomically(path, b"".join([*packed, packer.flush()]))


def _file_parts(cine: ShortAxisCine) -> Iterator[bytes]:
    yield _header(cine)
    for index in range(cine.phases):
        # (slices, rows, columns) in C order is (columns, rows, slices) in NIfTI's Fortran order
        yield np.ascontiguousarray(cine.frame(index), dtype=cine.stored_type).tobytes()


def _header(cine: ShortAxisCine) -> bytes:
    from nibabel import Nifti1Header

    one_phase = header_of(cine.geometry, cine.stored_type)
    header = Nifti1Header(one_phase[: Nifti1Header.sizeof_hdr], check=False)
    slices, rows, columns = cine.geometry.shape
    header.set_data_shape((columns, rows, slices, cine.phases))
    header["pixdim"][4] = _seconds_between_phases(cine)
    header["xyzt_units"] = MILLIMETRES_AND_SECONDS
    return bytes(header.binaryblock) + one_phase[Nifti1Header.sizeof_hdr :]


def _seconds_between_phases(cine: ShortAxisCine) -> float:
    between = np.median(np.diff(cine.trigger_times, axis=1)) / 1000
    # 0 is what NIfTI headers say of what is unknown
    return float(between) if np.isfinite(between) else 0.0
