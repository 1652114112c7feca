"""Accuracy of a classifier of the protected group: recall, confusion matrix and baselines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import PROTECTED_GROUP, InvalidScoresError
from faircmr.fairness.inference import Proportion, clustered_proportion

PREDICTED_GROUP = "predicted_group"
LOG_PROBABILITY_PREFIX = "log_probability_"
SLICE_KEYS = ["subject_id", "phase", "slice_index"]
MODEL_KEYS = ["seed", "fold"]
DECIMALS = 9
NEARLY_ONE = 0.01
"""How far a row's probabilities may be from a sum of 1: half precision leaves some thousandths."""


def groups_of(table: pd.DataFrame) -> list[str]:
    """Protected groups that a classifier tells apart, in the order of the alphabet.

    Args:
        table: Has a column ``log_probability_<group>`` for each.
    """
    return sorted(
        str(name).removeprefix(LOG_PROBABILITY_PREFIX)
        for name in table.columns
        if str(name).startswith(LOG_PROBABILITY_PREFIX)
    )


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
    columns = [LOG_PROBABILITY_PREFIX + group for group in groups_of(table)]
    means = table.groupby(SLICE_KEYS, observed=True)[columns].mean()
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
    _refuse(
        len(groups) < 2,
        f"{len(groups)} columns of log-probabilities",
        f"{LOG_PROBABILITY_PREFIX}<group> for two groups at least",
    )
    for name in [*SLICE_KEYS, PROTECTED_GROUP]:
        _refuse(name not in table, f"no column {name!r}", "a column of this name")
    _refuse(table.empty, "no rows", "some classified subjects")
    keys = [*SLICE_KEYS, *(name for name in MODEL_KEYS if name in table)]
    _refuse_rows(
        table[[*SLICE_KEYS, PROTECTED_GROUP]].isna().any(axis=1), "lack a name or group", "a value in every row"
    )
    _refuse_rows(table.duplicated(keys), "repeat another", f"each {', '.join(keys)} once")
    _check_log_probabilities(table[[LOG_PROBABILITY_PREFIX + group for group in groups]])
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
    _refuse(
        bool(unknown), f"no column of {', '.join(unknown)}", f"a column {LOG_PROBABILITY_PREFIX}<group> for every group"
    )
    _refuse(len(found) == 1, f"subjects of one protected group alone ({found[0]})", "two groups at least")


def _refuse_rows(failing: pd.Series[bool], what: str, permitted: str) -> None:
    _refuse(bool(failing.any()), f"{int(failing.sum())} of {len(failing)} rows {what}", permitted)


def _refuse(fails: bool, found: str, permitted: str) -> None:  # noqa: FBT001 - a condition, and no option
    if fails:
        raise InvalidScoresError("classified groups", found, permitted)


Level = Literal["subject", "slice"]
LEVELS: tuple[Level, ...] = ("subject", "slice")
COLUMNS = ["level", "group", "measure", "value", "low", "high", "n"]
ALL = "all"
NAN = float("nan")
Mask = npt.NDArray[np.bool_]
Measure = tuple[str, str, Proportion]
"""Group, measure, value."""


def classification_report(table: pd.DataFrame, training_majority: str | None = None) -> pd.DataFrame:
    """Measures of a classifier of the protected group on test subjects.

    A subject is predicted by its mean log-probability over slices and phases, a slice by its own; repeated trainings
    that classified the same slice decide together. Report each seed's rows by themselves where that is not wanted.

    Args:
        table: One row a slice, as for :func:`classify`.
        training_majority: The largest protected group of the training subjects.

    Returns:
        Columns ``level`` (``subject``, then ``slice``), ``group`` (``all``, or one), ``measure``, ``value``, ``low``
        and ``high`` (95 %, slices of one subject taken together) and ``n`` (subjects or slices that it is a share
        of). Of all:

        - ``accuracy``;
        - ``balanced_accuracy``: mean recall of the groups that have subjects, no interval;
        - ``majority_rate``: accuracy of always naming the largest group of the test subjects, no interval;
        - ``training_majority_rate``: of always naming the largest of the training subjects, where it is given;
        - ``never_predicted``, ``without_subjects``: numbers of groups whose precision or recall is NaN.

        Of each group ``precision`` (``n``: predicted as it) and ``recall`` (``n``: belong to it).

    Raises:
        InvalidScoresError: As for :func:`classify`, or the training subjects' largest
            group is not one that the classifier knows.

    Source:
        Puyol-Antón et al. 2021, section 4, who report an accuracy of 0.77 and, by group, precision and recall of
        0.69 to 0.89.
    """
    groups = groups_of(table)
    if training_majority is not None and training_majority not in groups:
        permitted = f"one of: {', '.join(groups)}"
        raise InvalidScoresError("training_majority", repr(training_majority), permitted)
    rows = [
        (level, group, measure, *value)
        for level in LEVELS
        for group, measure, value in _measures(classify(table, level), groups, training_majority)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def reports_by_seed(table: pd.DataFrame, training_majority: str | None = None) -> pd.DataFrame:
    """The report of each training seed by itself.

    Args:
        table: As for :func:`classification_report`, with ``seed``; empty where there is no classifier.
        training_majority: As for :func:`classification_report`.

    Returns:
        As :func:`classification_report`, with ``seed`` before; no rows where there is no classifier.

    Raises:
        InvalidScoresError: As for :func:`classification_report`.
    """
    if table.empty:
        return pd.DataFrame(columns=["seed", *COLUMNS])
    reports = [
        classification_report(rows, training_majority).assign(seed=seed)
        for seed, rows in table.groupby("seed", sort=True)
    ]
    return pd.concat(reports, ignore_index=True)[["seed", *COLUMNS]]


def confusion_matrix(table: pd.DataFrame, level: Level = "subject") -> pd.DataFrame:
    """How many subjects or slices of each protected group were predicted as each.

    Args:
        table: As for :func:`classification_report`.
        level: What is counted.

    Returns:
        Index the true group, columns the predicted one, both all groups in the order of the alphabet.

    Raises:
        InvalidScoresError: As for :func:`classify`.
    """
    classified, groups = classify(table, level), groups_of(table)
    counts = pd.crosstab(classified[PROTECTED_GROUP], classified[PREDICTED_GROUP])
    return counts.reindex(index=groups, columns=groups, fill_value=0).rename_axis(
        index=PROTECTED_GROUP, columns=PREDICTED_GROUP
    )


def _measures(classified: pd.DataFrame, groups: list[str], training_majority: str | None) -> Iterator[Measure]:
    """All measures of one level."""
    true, predicted = classified[PROTECTED_GROUP].to_numpy(), classified[PREDICTED_GROUP].to_numpy()
    clusters = classified["subject_id"].factorize()[0]
    precision = {one: _share(true == predicted, predicted == one, clusters) for one in groups}
    recall = {one: _share(true == predicted, true == one, clusters) for one in groups}
    yield ALL, "accuracy", _share(true == predicted, np.full(len(true), fill_value=True), clusters)
    yield ALL, "balanced_accuracy", _plain(float(np.nanmean([one.value for one in recall.values()])), len(true))
    yield from _baselines(recall, training_majority)
    yield ALL, "never_predicted", _plain(sum(one.n == 0 for one in precision.values()), len(groups))
    yield ALL, "without_subjects", _plain(sum(one.n == 0 for one in recall.values()), len(groups))
    for group in groups:
        yield group, "precision", precision[group]
        yield group, "recall", recall[group]


def _baselines(recall: dict[str, Proportion], training_majority: str | None) -> Iterator[Measure]:
    """What a classifier that always names the same group would reach."""
    sizes = {group: one.n for group, one in recall.items()}
    total = sum(sizes.values())
    yield ALL, "majority_rate", _plain(max(sizes.values()) / total, total)
    if training_majority is not None:
        yield ALL, "training_majority_rate", _plain(sizes[training_majority] / total, total)


def _share(right: Mask, chosen: Mask, clusters: npt.NDArray[np.intp]) -> Proportion:
    """Share of right predictions among those chosen, clustered by subject."""
    return clustered_proportion(np.bincount(clusters, right & chosen), np.bincount(clusters, chosen))


def _plain(value: float, n: int) -> Proportion:
    return Proportion(value, NAN, NAN, n)
