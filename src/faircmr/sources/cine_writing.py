"""Cines as 4-D NIfTI, one phase in memory at a time."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from faircmr.core.files import write_whole
from faircmr.sources.dicom.cine import ShortAxisCine
from faircmr.sources.geometry import header_of

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
    packed = [packer.compress(part) for part in _parts(cine)]
    write_whole(path, b"".join([*packed, packer.flush()]))


def _parts(cine: ShortAxisCine) -> Iterator[bytes]:
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
