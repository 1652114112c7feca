"""How often a model failed altogether, in words: a mean hides what a count tells."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from faircmr.fairness.audit.parameters import AuditColumns
from faircmr.fairness.metrics.scan import Metric

COUNTED = (Metric.MISSED, Metric.INVENTED)


def failures(table: pd.DataFrame, columns: AuditColumns) -> Iterator[str]:
    """A sentence about each model that missed a structure or invented one.

    Args:
        table: Scores, long; says nothing of failures unless it has rows of the metrics ``missed`` and ``invented``, 1
            or 0, as :func:`~faircmr.fairness.metrics.scan.score_scan` makes them.
        columns: What its columns are called.
    """
    if not {columns.metric, columns.value} <= set(table.columns):
        return
    counted = table[table[columns.metric].isin(COUNTED)]
    named = columns.model in table.columns
    for model, rows in counted.groupby(columns.model if named else lambda _: "", sort=False):
        values = pd.to_numeric(rows[columns.value], errors="coerce")
        missed, invented = (values[rows[columns.metric] == metric] for metric in COUNTED)
        if missed.sum() or invented.sum():
            whose = f"{model!s}: " if named else ""
            yield (
                f"{whose}{missed.sum():.0f} of {len(missed)} drawn structures were missed, and "
                f"{invented.sum():.0f} of {len(invented)} that nobody drew were invented; each of them scores 0."
            )
