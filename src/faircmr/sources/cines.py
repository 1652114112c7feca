"""Cines and single volumes in NIfTI, read one frame at a time.

A compressed cine is decompressed once, from front to back, and never held whole: opening it anew for
each of 30 frames takes thirteen times as long.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from io import BufferedIOBase
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidScanError
from faircmr.core.scan import Geometry, Image, Scan
from faircmr.sources.geometry import geometry_of
from faircmr.sources.nifti import GZIP, NIFTI2_HEADER_SIZE, damage

if TYPE_CHECKING:
    from nibabel import Nifti1Image

LARGEST_COMPRESSION = 1032
"""Times that deflate can shrink a file: a header that promises more lies."""
BLOCK = 2**20
VOLUME, CINE = 3, 4
"""Dimensions."""
NUMBERS = "iuf"


def read_cine(path: Path) -> Iterator[tuple[int | None, Scan]]:
    """Read the frames of a file, one in memory at a time.

    Args:
        path: ``.nii`` or ``.nii.gz``, compressed or not whatever it is called; 3-D, or 4-D with time last.

    Yields:
        Place of the frame in a 4-D file, from 0, or ``None`` in a 3-D file; intensities as float32 with
        the header's scaling applied, shape (slices, rows, columns).

    Raises:
        InvalidScanError: The file is missing or damaged (in a compressed file this may show only after
            its last frame), has another number of dimensions, axes in another order, a spacing that is
            not positive, or intensities that are not finite. The offender is ``scan``.
    """
    try:
        compressed = _is_compressed(path)
        with gzip.open(path) if compressed else path.open("rb") as stream:
            largest = path.stat().st_size * (LARGEST_COMPRESSION if compressed else 1)
            yield from _frames(*_opened_image(stream, largest))
            # length and CRC of a compressed file stand at its end
            while stream.read(BLOCK):
                pass
    except FileNotFoundError:
        raise InvalidScanError("scan", "the file is missing", "a NIfTI file for every listed scan") from None
    except damage():
        # what the libraries say holds the path
        raise InvalidScanError(
            "scan", "the image file is truncated or damaged", "a whole NIfTI file (.nii or .nii.gz)"
        ) from None


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(GZIP)) == GZIP


def _opened_image(stream: BufferedIOBase, largest: int) -> tuple[Nifti1Image, Geometry]:
    """Image whose voxels are still in the file, once its header can be believed."""
    from nibabel import Nifti1Image, Nifti2Image

    start = stream.read(NIFTI2_HEADER_SIZE)
    stream.seek(0)
    size = {int.from_bytes(start[:4], "little"), int.from_bytes(start[:4], "big")}
    kind: type[Nifti1Image] = Nifti2Image if NIFTI2_HEADER_SIZE in size else Nifti1Image
    image = kind.from_stream(stream)
    # unchecked, because nibabel's check turns a spacing of 0 into 1 mm
    header = kind.header_class(start[: kind.header_class.template_dtype.itemsize], check=False)
    dtype = header.get_data_dtype()
    if dtype.kind not in NUMBERS:
        raise InvalidScanError("scan", f"the voxels are of type {dtype}", "one real number a voxel")
    _check_axes(image.shape)
    # before anything of this size is allocated
    if header.get_data_offset() + dtype.itemsize * prod(image.shape) > largest:
        raise EOFError
    return image, geometry_of(header)


def _check_axes(shape: tuple[int, ...]) -> None:
    if len(shape) not in {VOLUME, CINE} or 0 in shape:
        raise InvalidScanError("scan", f"the image has {len(shape)} dimensions", "3, or 4 with time, none empty")
    columns, rows, slices = shape[:VOLUME]
    if slices > min(columns, rows):
        found = f"the image has {slices} slices of {rows} x {columns} pixels"
        raise InvalidScanError("scan", found, "axes in the order columns, rows, slices and, of a cine, time")


def _frames(image: Nifti1Image, geometry: Geometry) -> Iterator[tuple[int | None, Scan]]:
    if len(image.shape) == VOLUME:
        yield None, _scan(np.asanyarray(image.dataobj), geometry)
        return
    for index in range(image.shape[VOLUME]):
        yield index, _scan(np.asanyarray(image.dataobj[..., index]), geometry)


def _scan(voxels: npt.NDArray[Any], geometry: Geometry) -> Scan:
    # what is too large for 32 bits becomes infinite, and is refused as that
    with np.errstate(over="ignore", invalid="ignore"):
        image: Image = np.ascontiguousarray(voxels.T, dtype=np.float32)
    if not np.isfinite(image).all():
        raise InvalidScanError("scan", "the image holds NaN or infinite intensities", "finite intensities")
    return Scan(image, None, geometry)
