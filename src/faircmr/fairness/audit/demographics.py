"""Who the scored subjects are: a table of demographics joined to scores."""

from __future__ import annotations

import pandas as pd

from faircmr.core.errors import InvalidCohortError


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
        raise InvalidCohortError(
            "demographics",
            f"no column {subject_column}",
            "a column that says whose row it is, in a table with a header (in a CSV with commas)",
            "set audit_columns.subject",
        )
    table = demographics.assign(subject_id=demographics[subject_column].astype("str")).set_index("subject_id")
    repeated = int(table.index.duplicated().sum())
    if repeated:
        found = f"{repeated} subjects repeated"
        raise InvalidCohortError("demographics", found, "one row a subject", "keep one of each")
    known = scored[scored.isin(table.index)]
    if known.empty:
        raise InvalidCohortError(
            "demographics",
            f"none of {len(scored)} scored subjects is in it",
            "the ids of the scores",
            "compare both ids",
        )
    return table.loc[known].drop(columns=subject_column, errors="ignore"), len(scored) - len(known)
