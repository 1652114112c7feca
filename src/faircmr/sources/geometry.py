"""NIfTI headers as ``Geometry`` and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidScanError
from faircmr.core.reading import ReadingParameters
from faircmr.core.scan import Geometry, Matrix

if TYPE_CHECKING:
    from nibabel import Nifti1Header

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
