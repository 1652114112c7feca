"""Who the scored subjects are: a table of demographics joined to scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.fairness.disaggregate import MOST_VALUES

AND = " x "
"""Between the names of attributes, and of groups, of an intersection."""


@dataclass(frozen=True)
class Membership:
    """Groups of an attribute.

    Attributes:
        attribute: Its name, or ``race x sex``.
        labels: Group of each scored subject, index ``subject_id``; subjects without one are left out.
        not_recorded: Subjects that were left out.
    """

    attribute: str
    labels: pd.Series[str]
    not_recorded: int


def joined(scored: pd.Index, demographics: pd.DataFrame, subject_column: str) -> tuple[pd.DataFrame, int]:
    """Demographics of the scored subjects.

    Args:
        scored: Subjects that have a score.
        demographics: One row a subject.
        subject_column: Column of its ids.

    Returns:
        Rows of the scored subjects that have one, index ``subject_id``; and how many scored subjects have none.

    Raises:
        InvalidCohortError: There is no such column, subjects are repeated, or none of the scored ones is in it.
    """
    if subject_column not in demographics.columns:
        raise InvalidCohortError("demographics", f"no column {subject_column}", "a column that says whose row it is")
    table = demographics.assign(subject_id=demographics[subject_column].astype("str")).set_index("subject_id")
    repeated = int(table.index.duplicated().sum())
    if repeated:
        raise InvalidCohortError("demographics", f"{repeated} subjects repeated", "one row a subject")
    known = scored[scored.isin(table.index)]
    if known.empty:
        raise InvalidCohortError(
            "demographics",
            f"none of {len(scored)} scored subjects is in it",
            "the ids of the scores",
            "compare both ids",
        )
    return table.loc[known].drop(columns=subject_column, errors="ignore"), len(scored) - len(known)


def memberships(
    subjects: pd.DataFrame, attributes: Sequence[str], intersections: Sequence[tuple[str, str]]
) -> list[Membership]:
    """Groups of each attribute, then of each intersection.

    Args:
        subjects: Demographics of the scored subjects.
        attributes: Columns to group by.
        intersections: Pairs of columns to group by together.

    Raises:
        InvalidParameterError: A column is unknown, or has so many values that it is a measurement.
    """
    found = [_membership(subjects, (name,)) for name in attributes]
    return found + [_membership(subjects, pair) for pair in intersections]


def _membership(subjects: pd.DataFrame, names: tuple[str, ...]) -> Membership:
    for name in names:
        if name not in subjects.columns:
            raise InvalidParameterError("audit.attributes", name, f"one of {', '.join(map(str, subjects.columns))}")
        if (values := subjects[name].nunique()) > MOST_VALUES:
            raise InvalidParameterError(
                "audit.attributes", f"{name} with {values} values", f"at most {MOST_VALUES} values", "make bands of it"
            )
    recorded = subjects[list(names)].dropna()
    labels = recorded[names[0]].astype("str")
    for name in names[1:]:
        labels = labels + AND + recorded[name].astype("str")
    return Membership(AND.join(names), labels, len(subjects) - len(recorded))
