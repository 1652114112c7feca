"""The paper's Table 1: Dice of one strategy, overall and by group."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.core.errors import InvalidParameterError
from faircmr.core.shown_names import listed_names
from faircmr.core.table_values import code_text
from faircmr.fairness.subject_scores import attributes_of, subject_scores

MEAN_OF_GROUPS = "Total (mean of groups)"
POOLED = "Total (pooled)"
TOTAL = "total"
NOT_RECORDED = "not recorded"
MOST_VALUES = 30
"""More values than this are a measurement and not groups of people."""


def table1(scores: pd.DataFrame, subjects: pd.DataFrame, audit_attributes: Sequence[str]) -> pd.DataFrame:
    """Disaggregate the scores of one strategy.

    Args:
        scores: Long scores of one strategy, metric ``dsc`` in 0..1.
        subjects: Subject index: ``subject_id``, ``protected_group`` and the audit attributes.
        audit_attributes: Attributes to report beside the protected one.

    Returns:
        Columns ``attribute``, ``group``, ``n`` (subjects), one of each phase and structure
        of the study (``ED LVBP``) and ``Avg``; DSC in percent. Rows: both totals (attribute ``total``; the
        mean of groups is what the paper printed, the pooled one weighs every subject alike), then
        each value of each audit attribute (``not recorded`` where it is missing), then each
        protected group, also one without scored subjects. A mean is over the subjects that have a
        value; NaN where none has.

    Raises:
        InvalidScoresError: The scores cannot be used.
        InvalidCohortError: Scored subjects do not join the subject index.
        InvalidParameterError: An audit attribute is unknown or no grouping.
        StudyMismatchError: Scores of more than one strategy or study.
    """
    percent = 100.0 * subject_scores(scores)
    attributes = attributes_of(percent.index, subjects)
    groups = _by_value(percent, attributes[PROTECTED_GROUP], all_values=subjects[PROTECTED_GROUP])
    parts = [_totals(percent, groups)]
    for name in audit_attributes:
        _check_attribute(name, attributes)
        parts.append(_by_value(percent, attributes[name], all_values=attributes[name]))
    return pd.concat([*parts, groups], ignore_index=True)


def group_averages(scores: pd.DataFrame, subjects: pd.DataFrame) -> pd.Series[float]:
    """Mean Dice of each protected group: the mean over its subjects of their own mean.

    Args:
        scores: As for :func:`table1`.
        subjects: As for :func:`table1`.

    Returns:
        Dice in 0..1, index the protected groups of the subject index; NaN for a group without scores.
    """
    averages = subject_scores(scores)[["Avg"]]
    groups = attributes_of(averages.index, subjects)[PROTECTED_GROUP]
    return _by_value(averages, groups, all_values=subjects[PROTECTED_GROUP]).set_index("group")["Avg"]


def _by_value(values: pd.DataFrame, labels: pd.Series[str], all_values: pd.Series[str]) -> pd.DataFrame:
    order = _ordered_values(all_values)
    names = code_text(labels).fillna(NOT_RECORDED)
    grouped = values.groupby(names.to_numpy())
    means = grouped.mean().reindex(order)
    means.insert(0, "n", grouped.size().reindex(order, fill_value=0))
    means.insert(0, "group", order)
    means.insert(0, "attribute", str(labels.name))
    return means.reset_index(drop=True)


def _ordered_values(values: pd.Series[str]) -> list[str]:
    """Order of a categorical, otherwise of the alphabet; those not recorded last."""
    known = values.dropna()
    if isinstance(known.dtype, pd.CategoricalDtype):
        present = set(code_text(known))
        order = [name for name in code_text(pd.Series(known.cat.categories)) if name in present]
    else:
        order = sorted(set(code_text(known)))
    return order + [NOT_RECORDED] * bool(values.isna().any())


def _totals(percent: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    totals = pd.DataFrame([groups[percent.columns].mean(), percent.mean()])
    totals.insert(0, "n", len(percent))
    totals.insert(0, "group", [MEAN_OF_GROUPS, POOLED])
    totals.insert(0, "attribute", TOTAL)
    return totals


def _check_attribute(name: str, attributes: pd.DataFrame) -> None:
    if name not in attributes.columns:
        permitted = f"one of {listed_names(attributes.columns)}"
        raise InvalidParameterError("audit_attributes", name, permitted, "correct its spelling, or add the attribute")
    values = attributes[name].nunique()
    if values > MOST_VALUES:
        raise InvalidParameterError(
            "audit_attributes", f"{name} with {values} values", f"at most {MOST_VALUES} values", "report bands of it"
        )
