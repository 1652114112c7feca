"""One acquisition of one phase: image, label and the grid that they lie on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.float32]
LabelImage = npt.NDArray[np.uint8]
Matrix = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Geometry:
    """Everything of a NIfTI header that places voxels in space, and nothing that names a person.

    Attributes:
        shape: Slices, rows, columns: the NIfTI axes reversed.
        spacing: Millimetres between slices, rows and columns, from the zooms (not the affine,
            which is wrong in ACDC).
        qform: 4x4 matrix, or ``None`` where the header has none.
        qform_code: NIfTI code of the qform.
        sform: 4x4 matrix, or ``None`` where the header has none.
        sform_code: NIfTI code of the sform.
        pixdim: The header's eight ``pixdim`` values.
        units: The header's ``xyzt_units``.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    qform: Matrix | None = None
    qform_code: int = 0
    sform: Matrix | None = None
    sform_code: int = 0
    pixdim: tuple[float, ...] = ()
    units: int = 2


@dataclass(frozen=True)
class Scan:
    """Image and label of one subject at one phase.

    Attributes:
        image: Intensities, shape (slices, rows, columns).
        label: Values of :class:`~faircmr.core.anatomy.Structure` and 0, same shape; ``None`` where
            nobody has drawn one.
        geometry: The source's grid.
    """

    image: Image
    label: LabelImage | None
    geometry: Geometry


@dataclass(frozen=True)
class ScanFiles:
    """Where the scan of one phase lies; ``frame`` picks one phase of a 4-D file."""

    image: Path
    label: Path | None = None
    frame: int | None = None
