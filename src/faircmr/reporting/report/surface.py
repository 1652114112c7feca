"""Distances between surfaces by protected group: what Dice does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.fairness.comparable import comparable
from faircmr.fairness.metrics.by_group import by_group
from faircmr.fairness.metrics.scan import Metric
from faircmr.fairness.subject_scores import attributes_of

MILLIMETRES = (str(Metric.HD95), str(Metric.ASSD))
COUNTS = (str(Metric.MISSED), str(Metric.INVENTED))
COLUMNS = ["strategy", "structure", "metric", "group", "n", "mean", "sd", "median", "low", "high"]
KEYS = ["subject_id", "structure", "metric"]


def surface_errors(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Distances of each group, as they were scored.

    Args:
        scores: Long scores of each strategy; empty tables are strategies that did not run. No scan is scored again.
        subjects: Subject index.

    Returns:
        One row a strategy, structure, metric (``hd95`` and ``assd`` in mm; ``missed`` and ``invented``, shares of
        scans) and group, ``all`` last: ``n`` subjects, and over them, phases and seeds averaged first, ``mean``,
        ``sd`` (``ddof=1``), ``median``, and the quartiles ``low`` and ``high``. No rows where nothing of it was
        scored, or no strategy ran.

    Raises:
        InvalidScoresError: All scores are of one group.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    rows = [
        {"strategy": name, **row}
        for name, compared in _compared(scores, subjects).items()
        for row in _rows(compared, subjects)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _compared(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Scores of the strategies that ran; a report of a study before its first training has none."""
    return comparable(scores, subjects) if any(len(table) for table in scores.values()) else {}


def _rows(scores: pd.DataFrame, subjects: pd.DataFrame) -> Iterator[dict[str, object]]:
    chosen = scores[scores["metric"].isin([*MILLIMETRES, *COUNTS])]
    means = chosen.groupby(KEYS)["value"].mean().reset_index()
    groups = attributes_of(pd.Index(means["subject_id"].unique(), name="subject_id"), subjects)[PROTECTED_GROUP]
    for (structure, metric), group_means in means.groupby(["structure", "metric"], sort=True):
        for group, part in by_group(group_means.rename(columns={"metric": "measure"}), groups):
            yield {"structure": structure, "metric": metric, "group": group, **_summary(part["value"])}


def _summary(values: pd.Series[float]) -> dict[str, float]:
    low, median, high = values.quantile([0.25, 0.5, 0.75])
    return {"n": len(values), "mean": values.mean(), "sd": values.std(), "median": median, "low": low, "high": high}
