"""How well a classifier of the protected group does, as text for the terminal."""

from __future__ import annotations

import pandas as pd

from faircmr.reporting.text_tables import as_text, decimal, empty_table

NOTE = (
    "Accuracy by subject with its 95 % interval, balanced accuracy, and what always naming the largest group of the\n"
    "test subjects would reach; precision/recall of each group. The paper: 0.77; 0.69 to 0.89."
)
Measures = dict[tuple[str, str], float]
"""By group and measure."""


def render_classifier(report: pd.DataFrame, title: str) -> str:
    """The report of each seed's classifier by subject.

    Args:
        report: As :func:`faircmr.fairness.classification.reports_by_seed` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end; empty where there is no classifier.
    """
    if report.empty:
        return ""
    subjects = report[report["level"] == "subject"]
    groups = [str(group) for group in dict.fromkeys(subjects["group"]) if group != "all"]
    table = empty_table(title, ["seed"], ["accuracy", "balanced", "majority", *groups])
    for seed, rows in subjects.groupby("seed", sort=True):
        table.add_row(str(seed), *_overall(rows), *(_shares(_measures(rows, "value"), group) for group in groups))
    return as_text(table, NOTE)


def _measures(rows: pd.DataFrame, column: str) -> Measures:
    names = zip(rows["group"].astype(str), rows["measure"].astype(str), strict=True)
    return dict(zip(names, rows[column].astype(float).tolist(), strict=True))


def _overall(rows: pd.DataFrame) -> list[str]:
    value, low, high = (_measures(rows, column) for column in ("value", "low", "high"))
    accuracy = ("all", "accuracy")
    interval = f" ({decimal(low[accuracy])}-{decimal(high[accuracy])})"
    others = [decimal(value["all", measure]) for measure in ("balanced_accuracy", "majority_rate")]
    return [decimal(value[accuracy]) + interval, *others]


def _shares(value: Measures, group: str) -> str:
    return "/".join(decimal(value[group, measure]) for measure in ("precision", "recall"))
