"""Scans that cannot be used: left out of the study, listed with their reason, and counted."""

from __future__ import annotations

import logging
from typing import Literal

import pandas as pd
from pydantic import Field

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError, InvalidScanError
from faircmr.core.omissions import Omission, log_omissions
from faircmr.core.parameters import Parameters

logger = logging.getLogger(__name__)
QUARANTINE_TYPES = {"subject_id": "str", "phase": "str", "reason": "str"}
"""One row a scan that cannot be used; ``phase`` is missing where the whole subject cannot."""
COLUMNS = tuple(QUARANTINE_TYPES)


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


def nobody() -> pd.DataFrame:
    """The table of problems without rows."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in COLUMNS})


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

    from faircmr.core import table_checks as checks

    columns = {
        **checks.required_columns(QUARANTINE_TYPES, {"reason": checks.FILLED}),
        "phase": Column("str", checks.one_of(Phase), coerce=True, nullable=True),
    }
    return checks.check_table("quarantine", quarantine, checks.table_schema(columns, []), InvalidCohortError)


def quarantined(problems: pd.DataFrame, subjects: int, parameters: QuarantineParameters) -> set[str]:
    """Who leaves the study, said in the log by reason.

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
        raise InvalidScanError(_named(first), first["reason"], "", LEAVE_OUT)
    log_omissions(logger, quarantine_omissions(problems, subjects))
    if len(left) > parameters.largest_share * subjects:
        raise InvalidCohortError(
            "cohort",
            f"{len(left)} of {subjects} subjects cannot be used (first: {_named(first)}: {first['reason']})",
            f"at most {100 * parameters.largest_share:g} %",
            "mend them (01_raw/key.csv lists where they lie), or raise quarantine.largest_share",
        )
    return left


def quarantine_omissions(problems: pd.DataFrame, subjects: int) -> list[Omission]:
    """Subjects that cannot be used, by reason; a subject counts once, for its first reason.

    Args:
        problems: As for :func:`quarantined`.
        subjects: How many there are, these among them.
    """
    reasons = problems.drop_duplicates("subject_id").groupby("reason", sort=False).size()
    return [Omission("subjects", int(count), subjects, str(reason)) for reason, count in reasons.items()]


LEAVE_OUT = "mend the scan that 01_raw/key.csv lists under this key, or set quarantine.invalid_scans to 'quarantine'"


def _named(problem: pd.Series) -> str:
    phase = problem["phase"]
    return str(problem["subject_id"]) if pd.isna(phase) else f"{problem['subject_id']} {phase}"
