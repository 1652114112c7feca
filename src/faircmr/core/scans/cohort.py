"""Cohorts: subjects with their attributes, and scans that are read one at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import InvalidCohortError, InvalidScanError, Omission
from faircmr.core.scans.anatomy import Phase
from faircmr.core.study import empty_quarantine

Image = npt.NDArray[np.float32]
LabelImage = npt.NDArray[np.uint8]
Box3d = tuple[slice, slice, slice]
Matrix = tuple[tuple[float, ...], ...]
NOT_STATED = "not stated"
_LENGTH_BITS = 0b111
_UNITS = {1: ("m", 1000.0), 2: ("mm", 1.0), 3: ("um", 0.001)}
"""Name and millimetres of each unit of length (``nifti1.h``, ``xyzt_units``)."""


@dataclass(frozen=True)
class Geometry:
    """Everything of a NIfTI header that places voxels in space, and nothing that names a person.

    Attributes:
        shape: Slices, rows, columns: the NIfTI axes reversed.
        spacing: Millimetres between slices, rows and columns, from the zooms (not the affine,
            which is wrong in ACDC) and the header's unit.
        qform: 4x4 matrix of a grid that was made here, or ``None``.
        qform_code: NIfTI code of the qform.
        sform: 4x4 matrix, or ``None`` where the header has none.
        sform_code: NIfTI code of the sform.
        pixdim: The header's eight ``pixdim`` values.
        units: The header's ``xyzt_units``.
        quaternion: The qform of a header that was read, as it stands there: ``quatern_b``, ``_c``, ``_d`` and
            ``qoffset_x``, ``_y``, ``_z``. By way of a matrix their last bits would change.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    qform: Matrix | None = None
    qform_code: int = 0
    sform: Matrix | None = None
    sform_code: int = 0
    pixdim: tuple[float, ...] = ()
    units: int = 2
    quaternion: tuple[float, ...] = ()

    @property
    def unit(self) -> str:
        """Unit of length in the header: ``mm``, ``m``, ``um``, or ``not stated``."""
        return _UNITS.get(self.units & _LENGTH_BITS, (NOT_STATED, 1.0))[0]

    @property
    def millimetres(self) -> float:
        """Millimetres that one unit of length in the header is; without a known unit lengths are millimetres."""
        return _UNITS.get(self.units & _LENGTH_BITS, (NOT_STATED, 1.0))[1]


@dataclass(frozen=True)
class Scan:
    """Image and label of one subject at one phase.

    Attributes:
        image: Intensities, shape (slices, rows, columns).
        label: Values of :class:`~faircmr.core.scans.Structure` and 0, same shape, on the image's grid; ``None``
            where nobody has drawn one.
        geometry: The source's grid.
        label_grid: How the label was stored, as :attr:`faircmr.core.scans.grids.Placement.kind`; empty without a label.
    """

    image: Image
    label: LabelImage | None
    geometry: Geometry
    label_grid: str = ""


@dataclass(frozen=True)
class ScanFiles:
    """Where the scan of one phase lies; ``frame`` picks one phase of a 4-D file."""

    image: Path
    label: Path | None = None
    frame: int | None = None


def nonzero_box(image: Image | LabelImage) -> Box3d:
    """The smallest box that leaves out nothing but zeros, which scanners and other tools pad images with.

    Args:
        image: Shape (slices, rows, columns).

    Source:
        nnU-Net's ``crop_to_nonzero``.
    """
    shown = image != 0
    in_plane = shown.any(axis=0)
    slices, rows, columns = (
        extent(axis) for axis in (shown.any(axis=(1, 2)), in_plane.any(axis=1), in_plane.any(axis=0))
    )
    return slices, rows, columns


def extent(shown: npt.NDArray[np.bool_]) -> slice:
    """From the first to the last ``True`` along one axis; an empty slice where there is none."""
    where = np.flatnonzero(shown)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)


ScanKey = tuple[str, Phase]


@dataclass(frozen=True)
class Cohort:
    """Subjects by study key, and a way to read their scans.

    Attributes:
        subjects: One row a subject, also of those rejected: ``subject_id`` (the study key) and the attributes that the
            source gives (``sex``, ``age``, ``height``, ``pathology``, ...), missing values as NA.
        scans: One row a scan: ``subject_id``, ``phase`` (``ED``/``ES``), ``labelled``,
            ``fingerprint`` (changes when a file of the scan changes).
        files: Paths of every scan; never shown.
        read_files: Reads one scan with labels mapped to ``Structure`` values; raises
            :class:`InvalidScanError` with a placeholder offender that :meth:`read` replaces.
        readers: Scans that may be read at the same time.
        rejected: One row a subject whose files the source could not make a scan of: ``subject_id``,
            ``phase`` (missing), ``reason``.
        omissions: What else the source has found and left out, which has no study key.
        absent_columns: Attributes that are missing for all subjects because the source's table lacks a column, each
            with the name of that column.
    """

    subjects: pd.DataFrame
    scans: pd.DataFrame
    files: Mapping[ScanKey, ScanFiles] = field(repr=False)
    read_files: Callable[[ScanFiles], Scan] = field(repr=False)
    readers: int = 1
    rejected: pd.DataFrame = field(default_factory=empty_quarantine)
    omissions: tuple[Omission, ...] = ()
    absent_columns: Mapping[str, str] = field(default_factory=dict)

    def without(self, subject_ids: Collection[str]) -> Cohort:
        """The cohort of everybody else."""
        subjects, scans = (table[~table["subject_id"].isin(subject_ids)] for table in (self.subjects, self.scans))
        return replace(self, subjects=subjects, scans=scans)

    def read(self, subject_id: str, phase: Phase) -> Scan:
        """Read one scan.

        Raises:
            InvalidCohortError: The cohort has no such scan.
            InvalidScanError: The scan cannot be used; names the study key and phase.
        """
        files = self.files.get((subject_id, phase))
        if files is None:
            raise InvalidCohortError(f"{subject_id} {phase}", "no such scan", "a subject and phase of this cohort")
        try:
            return self.read_files(files)
        except InvalidScanError as error:
            raise InvalidScanError(
                f"{subject_id} {phase}", error.value, error.permitted, error.remedy or LOOK_UP
            ) from None


LOOK_UP = "mend or remove the scan that 01_raw/key.csv lists under this key"
