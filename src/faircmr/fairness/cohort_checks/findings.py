"""Input tables and findings of the cohort checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import pandas as pd

from faircmr.core.study import DivisionProblem
from faircmr.fairness.audit import AuditParameters
from faircmr.fairness.cohort_checks.counts import EVERYBODY, UNKNOWN, CohortCheckParameters

MOST_NAMES = 4
"""Names that a sentence holds before it counts the others."""


class Status(StrEnum):
    """Outcome of a check; the worst last. ``UNCHECKED``: the cohort does not have what the check looks at."""

    PASS = "pass"
    UNCHECKED = "not checked"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One line of the list.

    Attributes:
        check: What was looked at.
        status: Outcome.
        found: What there is.
        remedy: What to do about it; empty where nothing needs to be done.
    """

    check: str
    status: Status
    found: str
    remedy: str = ""


@dataclass(frozen=True)
class CohortTables:
    """Everything that is known of a cohort before training, and the limits it is held against.

    Attributes:
        counts: As of :func:`~faircmr.fairness.cohort_checks.split_counts`.
        missing: As of :func:`~faircmr.fairness.cohort_checks.missing_values`.
        quarantined: As of :func:`~faircmr.fairness.cohort_checks.quarantined_by_group`.
        geometry: As of :func:`~faircmr.fairness.cohort_checks.geometry_counts`.
        measures: As of :func:`~faircmr.fairness.cohort_checks.compare_measures`.
        pairs: As of :func:`~faircmr.fairness.cohort_checks.find_pairs`.
        power: As of :func:`~faircmr.fairness.cohort_checks.detectable_gaps`.
        omissions: What the data set has and the study leaves out, of :func:`~faircmr.core.omission_table`.
        split_omissions: The same of what training leaves out.
        audit: Level of the tests and least size of a group.
        limits: From where on to warn.
        problem: Why the subjects cannot be divided, if they cannot.
    """

    counts: pd.DataFrame
    missing: pd.DataFrame
    quarantined: pd.DataFrame
    geometry: pd.DataFrame
    measures: pd.DataFrame
    pairs: pd.DataFrame
    power: pd.DataFrame
    omissions: pd.DataFrame
    split_omissions: pd.DataFrame
    audit: AuditParameters
    limits: CohortCheckParameters
    problem: DivisionProblem = field(default_factory=DivisionProblem)

    @property
    def protected_attribute(self) -> str:
        """Its name; its groups are counted first."""
        return str(self.counts["attribute"].iloc[0])

    @property
    def everybody(self) -> pd.DataFrame:
        """Counts of the protected groups, sexes together: one row a fold and group."""
        counts = self.counts
        return counts[(counts["attribute"] == self.protected_attribute) & (counts["sex"] == EVERYBODY)]

    @property
    def groups(self) -> pd.DataFrame:
        """Counts of the known groups of every attribute, sexes together: one row a fold, attribute and group."""
        return self.counts[(self.counts["sex"] == EVERYBODY) & (self.counts["group"] != UNKNOWN)]

    @property
    def by_sex(self) -> pd.DataFrame:
        """Counts of the protected groups sex by sex, where it is known: one row a fold, group and sex."""
        return self.counts[~self.counts["sex"].isin([EVERYBODY, UNKNOWN])]


def rows_of(table: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Values of some columns, row by row."""
    return zip(*(table[column] for column in columns), strict=True)


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: the first few, and how many more there are."""
    shown = list(dict.fromkeys(names))
    rest = len(shown) - MOST_NAMES
    return ", ".join(shown[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
