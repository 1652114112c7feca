"""Training seeds apart: what comes of training the same strategy again, and how far that spreads.

Two spreads stand beside each other and must not be mixed: ``SD`` is over protected groups, within one training, and
says how unevenly a model serves them; what ends in ``_seed_sd`` is over trainings, of any number, and says how far
that number hangs on chance in training. Neither says anything about other test subjects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from faircmr.core.errors import StudyMismatchError
from faircmr.fairness.comparable import SEED_MEAN, SEED_SD, SEEDS, comparable
from faircmr.fairness.disaggregate import table1
from faircmr.fairness.group_row import AVERAGE, group_row
from faircmr.fairness.subject_scores import CELLS, cells_of

ROW = ["attribute", "group", "n"]
"""What names a row of Table 1."""


def table2_by_seed(scores_by_strategy: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Table 2 of every training seed alone.

    Args:
        scores_by_strategy: As for :func:`faircmr.fairness.comparison.table2`.
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
        for strategy, scores in comparable(scores_by_strategy, subjects).items()
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
        scores_by_strategy: As for :func:`faircmr.fairness.comparison.table2`.
        subjects: As for :func:`faircmr.fairness.disaggregate.table1`.
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
    ran = comparable(scores_by_strategy, subjects)
    had = set().union(*(cells_of(scores) for scores in ran.values()))
    numbers = [*(cell for cell in CELLS if cell in had), AVERAGE]
    parts = [pd.DataFrame(columns=["strategy", SEEDS, *ROW, *numbers])]
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
