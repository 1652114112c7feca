"""Clinical errors of one model, divided by group."""

from __future__ import annotations

import pandas as pd

from faircmr.core.errors import InvalidCohortError, InvalidScoresError
from faircmr.fairness.disaggregate import NOT_RECORDED

ALL = "all"


def by_group(errors: pd.DataFrame, groups: pd.Series[str]) -> list[tuple[str, pd.DataFrame]]:
    """Rows of each group, then all rows together.

    Args:
        errors: One row a subject and measure: ``subject_id``, ``measure``, of one model.
        groups: Group of each subject, index ``subject_id``; missing where it was not recorded.

    Returns:
        Groups in the order of their categories or else of the alphabet, ``not recorded``, ``all``.

    Raises:
        InvalidScoresError: A subject has a measure twice.
        InvalidCohortError: Subjects have no entry, or two, in ``groups``; says how many, not who.
    """
    if errors.duplicated(["subject_id", "measure"]).any():
        remedy = "choose one strategy and seed, or average over seeds first"
        raise InvalidScoresError("errors", "a measure of a subject twice", "errors of one model", remedy)
    unknown = int((~errors["subject_id"].drop_duplicates().isin(groups.index)).sum())
    if unknown:
        raise InvalidCohortError("scored subjects", f"{unknown} without an entry in groups", "one group a subject")
    if groups.index.has_duplicates:
        repeated = f"{int(groups.index.duplicated().sum())} repeated"
        raise InvalidCohortError("groups", repeated, "one group a subject")
    labels = groups.loc[errors["subject_id"]].set_axis(errors.index)
    named = [(str(label), rows) for label, rows in errors.groupby(labels, sort=True, observed=True)]
    without = errors[labels.isna()]
    return [*named, *([] if without.empty else [(NOT_RECORDED, without)]), (ALL, errors)]
