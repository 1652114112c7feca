"""Which protected group a classifier predicts, for each subject or slice."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.core.errors import InvalidScoresError

PREDICTED_GROUP = "predicted_group"
PREFIX = "log_probability_"
SLICE = ["subject_id", "phase", "slice_index"]
MODEL = ["seed", "fold"]
DECIMALS = 9
NEARLY_ONE = 0.01
"""How far a row's probabilities may be from a sum of 1: half precision leaves some thousandths."""


def groups_of(table: pd.DataFrame) -> list[str]:
    """Protected groups that a classifier tells apart, in the order of the alphabet.

    Args:
        table: Has a column ``log_probability_<group>`` for each.
    """
    return sorted(str(name).removeprefix(PREFIX) for name in table.columns if str(name).startswith(PREFIX))


def classify(table: pd.DataFrame, level: Literal["subject", "slice"]) -> pd.DataFrame:
    """Predict the protected group of each subject or slice.

    Args:
        table: One row a slice: ``subject_id``, ``phase``, ``slice_index``, ``protected_group`` (the true one) and a
            column ``log_probability_<group>`` for each group that the classifier knows; ``seed`` and ``fold`` where
            several trainings classified the same slices. Further columns are ignored.
        level: A subject has the mean log-probability of its slices, and a slice that of the trainings.

    Returns:
        One row a subject or slice, by ``subject_id``: ``subject_id``, ``protected_group``, ``predicted_group``; of
        equally probable groups the first in the order of the alphabet.

    Raises:
        InvalidScoresError: No rows, a column is missing, rows repeat, a value is missing or no log-probability, a
            subject has two groups or one that the classifier does not know, or there are fewer than two groups.
    """
    _check(table)
    columns = [PREFIX + group for group in groups_of(table)]
    means = table.groupby(SLICE, observed=True)[columns].mean()
    if level == "subject":
        means = means.groupby("subject_id", observed=True).mean()
    truth = table.drop_duplicates("subject_id").set_index("subject_id")[PROTECTED_GROUP].astype("str")
    subjects = means.index.get_level_values("subject_id")
    # rounded, so that a tie does not hang on the order in which slices were added up
    predicted = np.array(groups_of(table))[means.to_numpy().round(DECIMALS).argmax(axis=1)]
    return pd.DataFrame(
        {"subject_id": subjects, PROTECTED_GROUP: truth.loc[subjects].to_numpy(), PREDICTED_GROUP: predicted}
    )


def _check(table: pd.DataFrame) -> None:
    groups = groups_of(table)
    _refuse(len(groups) < 2, f"{len(groups)} columns of log-probabilities", f"{PREFIX}<group> for two groups at least")
    for name in [*SLICE, PROTECTED_GROUP]:
        _refuse(name not in table, f"no column {name!r}", "a column of this name")
    _refuse(table.empty, "no rows", "some classified subjects")
    keys = [*SLICE, *(name for name in MODEL if name in table)]
    _refuse_rows(table[[*SLICE, PROTECTED_GROUP]].isna().any(axis=1), "lack a name or group", "a value in every row")
    _refuse_rows(table.duplicated(keys), "repeat another", f"each {', '.join(keys)} once")
    _check_log_probabilities(table[[PREFIX + group for group in groups]])
    _check_truth(table, groups)


def _check_log_probabilities(values: pd.DataFrame) -> None:
    numbers = values.to_numpy(dtype=np.float64)
    finite = np.isfinite(numbers).all(axis=1)
    _refuse_rows(pd.Series(~finite), "have a log-probability that is no number", "finite numbers")
    with np.errstate(over="ignore"):  # of logits; refused all the same
        off = np.abs(np.exp(numbers).sum(axis=1) - 1.0) > NEARLY_ONE
    _refuse_rows(pd.Series(off), "have probabilities that do not sum to 1", "logarithms of probabilities, not logits")


def _check_truth(table: pd.DataFrame, groups: list[str]) -> None:
    truths = table.groupby("subject_id", observed=True)[PROTECTED_GROUP].nunique()
    _refuse(bool((truths > 1).any()), f"{int((truths > 1).sum())} subjects have two groups", "one group a subject")
    found = sorted(set(table[PROTECTED_GROUP].astype("str")))
    unknown = [group for group in found if group not in groups]
    _refuse(bool(unknown), f"no column of {', '.join(unknown)}", f"a column {PREFIX}<group> for every group")
    _refuse(len(found) == 1, f"subjects of one protected group alone ({found[0]})", "two groups at least")


def _refuse_rows(failing: pd.Series[bool], what: str, permitted: str) -> None:
    _refuse(bool(failing.any()), f"{int(failing.sum())} of {len(failing)} rows {what}", permitted)


def _refuse(fails: bool, found: str, permitted: str) -> None:  # noqa: FBT001 - a condition, and no option
    if fails:
        raise InvalidScoresError("classified groups", found, permitted)
