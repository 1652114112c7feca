"""The paper's Tables 1 and 2, which strategies are comparable in them, and their spread over training seeds.

Two spreads stand beside each other and must not be mixed: ``SD`` is over protected groups, within one training, and
says how unevenly a model serves them; what ends in ``_seed_sd`` is over trainings, of any number, and says how far
that number hangs on chance in training. Neither says anything about other test subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from faircmr.core import (
    PROTECTED_GROUP,
    InvalidCohortError,
    InvalidParameterError,
    InvalidScoresError,
    StudyMismatchError,
    listed_names,
)
from faircmr.core.user_input import code_text
from faircmr.fairness.tables.by_subject import CELLS, attributes_of, cells_of, check_same_study, subject_scores
from faircmr.fairness.tables.disparity import disparity_sd, skewed_error_ratio

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


AVERAGE, SD, SER = MEASURES = ("Avg", "SD", "SER")
"""Over groups: unweighted mean in percent, SD (``ddof=1``) in percentage points, skewed error ratio."""


def group_row(scores: pd.DataFrame, subjects: pd.DataFrame) -> dict[str, float]:
    """Mean DSC of each protected group, and the measures over groups.

    Args:
        scores: Long scores of one strategy; those of several seeds are averaged within a subject first.
        subjects: Subject index: ``subject_id`` and ``protected_group``.

    Returns:
        By name: each group of the subject index in percent, then :data:`MEASURES`. A group without scored subjects is
        NaN and left out of the measures.

    Raises:
        InvalidScoresError: Scores cannot be used, or fewer than two groups have any.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Scores of more than one strategy or study.
    """
    averages = group_averages(scores, subjects)
    scored = averages.dropna().to_numpy()
    return {
        **{str(group): 100.0 * value for group, value in averages.items()},
        AVERAGE: 100.0 * float(scored.mean()),
        SD: 100.0 * float(disparity_sd(scored)),
        SER: float(skewed_error_ratio(scored)),
    }


SEEDS, SEED_MEAN, SEED_SD = "seeds", "_seed_mean", "_seed_sd"
"""Column of how many training seeds there were, and what is appended to the name of a number over them."""
RESERVED_COLUMNS = {"strategy", "seed", SEEDS, *MEASURES, *(name + SEED_SD for name in MEASURES)}
"""Columns of Table 2 that are no groups."""


def comparable_scores(
    scores_by_strategy: Mapping[str, pd.DataFrame], subjects: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Scores of the strategies that have any, if they can be compared.

    Args:
        scores_by_strategy: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index: ``subject_id`` and ``protected_group``.

    Returns:
        Those that ran, in the order given.

    Raises:
        InvalidScoresError: No strategy has scores, or they are of one group alone.
        InvalidCohortError: A group has the name of a column of Table 2.
        StudyMismatchError: Strategies were trained under different settings or scored on different
            subjects; names what differs.
    """
    ran = {name: scores for name, scores in scores_by_strategy.items() if not scores.empty}
    if not ran:
        raise InvalidScoresError("table2", "no strategy has scores", "at least one strategy", "run a strategy first")
    check_same_study({name: str(scores["study_key"].iloc[0]) for name, scores in ran.items()})
    _check_same_subjects(ran)
    _check_groups(subjects, set().union(*(scores["subject_id"].unique() for scores in ran.values())))
    return ran


def _check_groups(subjects: pd.DataFrame, scored: set[str]) -> None:
    groups = set(subjects.loc[subjects["subject_id"].isin(scored), "protected_group"].dropna())
    if len(groups) == 1:
        raise InvalidScoresError(
            "table2",
            f"scores of one protected group alone ({groups.pop()})",
            "at least two groups to compare",
            "choose a protected attribute with more values, or a split that tests more groups",
        )
    taken = sorted(RESERVED_COLUMNS & groups)
    if taken:
        raise InvalidCohortError(
            "protected group", repr(taken[0]), "a name that is no column of Table 2", "rename the group in the source"
        )


def _check_same_subjects(ran: Mapping[str, pd.DataFrame]) -> None:
    first, *others = ran
    expected = set(ran[first]["subject_id"].unique())
    for name in others:
        differing = len(expected.symmetric_difference(ran[name]["subject_id"].unique()))
        if differing:
            raise StudyMismatchError(
                f"{first} and {name}",
                f"{differing} subjects scored in one and not in the other",
                "the same test subjects for every strategy",
                "run the one that is incomplete again",
            )


GROUP_KEYS = ["attribute", "group", "n"]
"""What names a row of Table 1."""


def table2_by_seed(scores_by_strategy: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Table 2 of every training seed alone.

    Args:
        scores_by_strategy: As for :func:`table2`.
        subjects: As there.

    Returns:
        One row a strategy and seed, seeds ascending: ``strategy``, ``seed`` (missing where the models of all seeds
        predicted together), the mean DSC of each protected group, ``Avg``, ``SD`` over groups and ``SER``.

    Raises:
        InvalidScoresError: As there.
        InvalidCohortError: As there.
        StudyMismatchError: As there, or seeds of a strategy were scored on different subjects.
    """
    rows = [
        {"strategy": strategy, "seed": seed, **group_row(of_seed, subjects)}
        for strategy, scores in comparable_scores(scores_by_strategy, subjects).items()
        for seed, of_seed in scores_by_seed(scores)
    ]
    return pd.DataFrame(rows).astype({"seed": "Int64"})


def seed_spread(by_seed: pd.DataFrame) -> pd.DataFrame:
    """Mean and SD over seeds of every number of Table 2.

    ``SD_seed_mean`` is the mean over seeds of the SD over groups. It is at least as large as the ``SD`` of Table 2,
    which averages a group over seeds first (where every seed scored the same cells): chance in training moves each
    group by itself, and so adds to the SD of one training.

    Args:
        by_seed: As :func:`table2_by_seed` makes it.

    Returns:
        One row a strategy: ``strategy``, ``seeds`` (how many), and for each number ``<number>_seed_mean`` and
        ``<number>_seed_sd`` (``ddof=1``; NaN of one seed, and where a seed has no finite number).
    """
    rows = [
        {"strategy": strategy, SEEDS: len(rows), **_spread(rows.drop(columns=["strategy", "seed"]))}
        for strategy, rows in by_seed.groupby("strategy", sort=False)
    ]
    return pd.DataFrame(rows)


def table1_seed_sd(
    scores_by_strategy: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, audit_attributes: Sequence[str]
) -> pd.DataFrame:
    """SD over seeds of every cell of Table 1.

    A table of its own, so that in Table 1 a cell is a mean and nothing else.

    Args:
        scores_by_strategy: As for :func:`table2`.
        subjects: As for :func:`table1`.
        audit_attributes: As there.

    Returns:
        Rows of each strategy's Table 1 where the strategy has two seeds at least: ``strategy``, ``seeds``, and the
        columns of Table 1 with the SD over seeds (``ddof=1``) in percentage points in place of the DSC; NaN where a
        seed has no value.

    Raises:
        InvalidScoresError: As for :func:`table2_by_seed`, and so the others.
        InvalidCohortError: As there.
        InvalidParameterError: An audit attribute is unknown or no grouping.
        StudyMismatchError: As there.
    """
    ran = comparable_scores(scores_by_strategy, subjects)
    had = set().union(*(cells_of(scores) for scores in ran.values()))
    numbers = [*(cell for cell in CELLS if cell in had), AVERAGE]
    parts = [pd.DataFrame(columns=["strategy", SEEDS, *GROUP_KEYS, *numbers])]
    for strategy, scores in ran.items():
        tables = [table1(of_seed, subjects, audit_attributes) for _, of_seed in scores_by_seed(scores)]
        if len(tables) > 1:
            spread = np.std([table.reindex(columns=numbers).to_numpy() for table in tables], axis=0, ddof=1)
            rows = tables[0].assign(**dict(zip(numbers, spread.T, strict=True)))
            rows.insert(0, SEEDS, len(tables))
            rows.insert(0, "strategy", strategy)
            parts.append(rows)
    return pd.concat(parts[1:] or parts, ignore_index=True)


def scores_by_seed(scores: pd.DataFrame) -> list[tuple[int | None, pd.DataFrame]]:
    """Scores of each training seed, ascending; ``None`` last, for those of all seeds together.

    Args:
        scores: Long scores of one strategy.

    Raises:
        StudyMismatchError: Seeds were scored on different subjects.
    """
    seeds = sorted(int(seed) for seed in scores["seed"].dropna().unique())
    parts: list[tuple[int | None, pd.DataFrame]] = [(seed, scores[scores["seed"] == seed]) for seed in seeds]
    together = scores[scores["seed"].isna()]
    if not together.empty:
        parts.append((None, together))
    expected = set(scores["subject_id"].unique())
    incomplete = [seed for seed, rows in parts if set(rows["subject_id"].unique()) != expected]
    if incomplete:
        raise StudyMismatchError(
            f"{scores['strategy'].iloc[0]}, training seeds",
            f"{', '.join(map(str, incomplete))} scored on fewer subjects than others",
            "the same test subjects for every seed",
            "run the strategy again",
        )
    return parts


def _spread(rows: pd.DataFrame) -> dict[str, float]:
    means = rows.mean(skipna=False)
    # how far infinite ratios spread is unknown
    sds = rows.replace([np.inf, -np.inf], np.nan).std(ddof=1, skipna=False)
    return {
        f"{name}{suffix}": float(values[name])
        for name in rows.columns
        for suffix, values in ((SEED_MEAN, means), (SEED_SD, sds))
    }


def table2(scores_by_strategy: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Compare the strategies that have scores.

    A subject's scores are averaged over training seeds first, then subjects over a group, and the measures are of
    those means. So ``SD`` is not the mean over seeds of the SD of one training (which chance in training makes
    larger): that one is ``SD_seed_mean`` of :func:`seed_spread`. ``SD_seed_sd`` is how far the
    SD of one training spreads over trainings, and not the error of ``SD``.

    Args:
        scores_by_strategy: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index: ``subject_id`` and ``protected_group``.

    Returns:
        One row a strategy: ``strategy``, the mean DSC of each protected group and their unweighted
        mean ``Avg`` in percent, ``SD`` over groups (``ddof=1``) in percentage points, ``SER``
        (a ratio), and ``seeds``, how many trainings were averaged (1 where the models of all seeds predicted
        together). A group without scored subjects is NaN and left out of the measures. Where a strategy has two
        seeds at least, ``Avg_seed_sd``, ``SD_seed_sd`` and ``SER_seed_sd`` follow: the SD over seeds (``ddof=1``) of
        the measure of one seed alone, NaN for a strategy with one seed.

    Raises:
        InvalidScoresError: No strategy has scores, scores cannot be used, or fewer than two groups have any.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies were trained under different settings, or strategies or seeds scored on
            different subjects; names what differs.
    """
    ran = comparable_scores(scores_by_strategy, subjects)
    table = pd.DataFrame([{"strategy": name, **group_row(scores, subjects)} for name, scores in ran.items()])
    spread = seed_spread(table2_by_seed(ran, subjects))
    repeated = [name + SEED_SD for name in MEASURES] if (spread[SEEDS] > 1).any() else []
    return table.join(spread[[SEEDS, *repeated]])
