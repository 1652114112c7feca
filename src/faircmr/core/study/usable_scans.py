"""Limits for scans that can be used, and the quarantine of scans that cannot."""

from __future__ import annotations

import logging
from math import prod
from typing import Annotated, Literal

import pandas as pd
from pydantic import AfterValidator, BeforeValidator, Field

from faircmr.core import InvalidCohortError, InvalidScanError, Omission, Parameters, log_omissions
from faircmr.core.scans import Phase

LIMIT_ROUNDING = 1e-3
"""Relative excess over a limit that is rounding: headers hold 32-bit floats, some converted from another unit."""
MOST_VOXELS = 2**25
"""Voxels of one scan, as stored and as resampled: 512 x 512 x 128, several times what a stack of a heart has.
Measured for a scan of that size with its label, 16 bits and compressed: reading adds 0.60 GiB, preprocessing makes it
0.74 GiB; a file of 64-bit noise adds its own 0.25 GiB."""
Millimetres = Annotated[float, Field(gt=0.0, le=1000.0)]


def _divided(value: object) -> object:
    # --params can write no list: reading.spacing_in_plane=0.3+5
    return tuple(value.split("+")) if isinstance(value, str) else value


def _ordered(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError(f"the lower limit {limits[0]:g} is above the upper limit {limits[1]:g}")
    return limits


Limits = Annotated[tuple[Millimetres, Millimetres], BeforeValidator(_divided), AfterValidator(_ordered)]


class ReadingParameters(Parameters):
    """How scans and masks are read, whatever their source.

    Attributes:
        spacing_in_plane: Smallest and largest spacing of rows and of columns, mm. Cine short-axis images have 0.6 to
            3; what is outside the limits has a wrong header, or is another kind of image. In --params ``0.3+5``.
        spacing_between_slices: Smallest and largest spacing of slices, mm; of short-axis stacks usually 5 to 13.
        grids: ``header``: a label (or prediction) is put on the grid of its image (or reference) by what both headers
            say, and refused where that takes more than flips, swapped axes and whole voxels. ``array``: the headers
            are wrong and voxels correspond by their place in the file; only shape and spacing are compared.
    """

    spacing_in_plane: Limits = (0.3, 5.0)
    spacing_between_slices: Limits = (1.0, 25.0)
    grids: Literal["header", "array"] = "header"

    def check_spacing(self, spacing: tuple[float, float, float], what: str) -> None:
        """Refuse a spacing that no short-axis image has.

        Args:
            spacing: Of slices, rows and columns, mm.
            what: What the error calls the image.

        Raises:
            InvalidScanError: It is outside the limits.
        """
        of_slices, *in_plane = spacing
        if _within(of_slices, self.spacing_between_slices) and all(
            _within(each, self.spacing_in_plane) for each in in_plane
        ):
            return
        plane, slices = (
            f"{low:g} to {high:g} mm" for low, high in (self.spacing_in_plane, self.spacing_between_slices)
        )
        raise InvalidScanError(
            "scan",
            f"the {what} has a spacing of {' x '.join(f'{each:.4g}' for each in spacing)} mm (slices, rows, columns)",
            f"{plane} in plane and {slices} between slices",
            "correct pixdim and the unit (xyzt_units) in its header, or save it with slices as the third axis, or set "
            "reading.spacing_in_plane and reading.spacing_between_slices",
        )


DEFAULT_READING = ReadingParameters()


def check_voxels(shape: tuple[int, ...], what: str) -> None:
    """Refuse more voxels than are ever held at once, before memory is taken for them.

    Args:
        shape: Of the image.
        what: What the error calls it.

    Raises:
        InvalidScanError: There are more than :data:`MOST_VOXELS`.
    """
    voxels = prod(map(int, shape))
    if voxels > MOST_VOXELS:
        raise InvalidScanError("scan", f"the {what} has {voxels} voxels", f"at most {MOST_VOXELS} in a volume")


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] * (1.0 - LIMIT_ROUNDING) <= value <= limits[1] * (1.0 + LIMIT_ROUNDING)


logger = logging.getLogger(__name__)
QUARANTINE_TYPES = {"subject_id": "str", "phase": "str", "reason": "str"}
"""One row a scan that cannot be used; ``phase`` is missing where the whole subject cannot."""
QUARANTINE_COLUMNS = tuple(QUARANTINE_TYPES)


class QuarantineParameters(Parameters):
    """What becomes of scans that cannot be used.

    Attributes:
        invalid_scans: Their subjects leave the study and are listed (``quarantine``), or the first of them ends the
            run (``error``).
        largest_share: Share of the subjects above which the run ends all the same, 0..1: a data set that is
            mostly unreadable was copied or configured wrongly, and what is left of it is nobody's cohort.
    """

    invalid_scans: Literal["quarantine", "error"] = "quarantine"
    largest_share: float = Field(default=0.1, ge=0.0, le=1.0)


def empty_quarantine() -> pd.DataFrame:
    """The quarantine table without rows."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in QUARANTINE_COLUMNS})


def validate_quarantine(quarantine: pd.DataFrame) -> pd.DataFrame:
    """Check the list of what was left out.

    Args:
        quarantine: Columns of :data:`QUARANTINE_TYPES`.

    Returns:
        The table with those columns in those types.

    Raises:
        InvalidCohortError: Names the column, what was expected and in how many rows it fails.
    """
    from pandera.pandas import Column

    from faircmr.core.study import table_checks as checks

    columns = {
        **checks.required_columns(QUARANTINE_TYPES, {"reason": checks.FILLED}),
        "phase": Column("str", checks.one_of(Phase), coerce=True, nullable=True),
    }
    return checks.check_table("quarantine", quarantine, checks.table_schema(columns, []), InvalidCohortError)


def subjects_to_quarantine(problems: pd.DataFrame, subjects: int, parameters: QuarantineParameters) -> set[str]:
    """Subjects that leave the study because of invalid scans; logged by reason.

    Args:
        problems: One row a scan that cannot be used: ``subject_id``, ``phase`` (missing where it is the whole
            subject) and ``reason``.
        subjects: How many there are, these among them.
        parameters: What becomes of them.

    Returns:
        Study keys; a subject leaves with both phases, because every score and volume is of both.

    Raises:
        InvalidScanError: There is such a scan, and the policy is ``error``.
        InvalidCohortError: They are too many.
    """
    left = set(problems["subject_id"])
    if not left:
        return left
    first = problems.iloc[0]
    if parameters.invalid_scans == "error":
        raise InvalidScanError(_scan_name(first), first["reason"], "", LEAVE_OUT)
    log_omissions(logger, quarantine_omissions(problems, subjects))
    if len(left) > parameters.largest_share * subjects:
        raise InvalidCohortError(
            "cohort",
            f"{len(left)} of {subjects} subjects cannot be used (first: {_scan_name(first)}: {first['reason']})",
            f"at most {100 * parameters.largest_share:g} %",
            "mend them (01_raw/key.csv lists where they lie), or raise quarantine.largest_share",
        )
    return left


def quarantine_omissions(problems: pd.DataFrame, subjects: int) -> list[Omission]:
    """Subjects that cannot be used, by reason; a subject counts once, for its first reason.

    Args:
        problems: As for :func:`subjects_to_quarantine`.
        subjects: How many there are, these among them.
    """
    reasons = problems.drop_duplicates("subject_id").groupby("reason", sort=False).size()
    return [Omission("subjects", int(count), subjects, str(reason)) for reason, count in reasons.items()]


LEAVE_OUT = "mend the scan that 01_raw/key.csv lists under this key, or set quarantine.invalid_scans to 'quarantine'"


def _scan_name(problem: pd.Series) -> str:
    phase = problem["phase"]
    return str(problem["subject_id"]) if pd.isna(phase) else f"{problem['subject_id']} {phase}"
