"""nnU-Net's ``summary.json``, of version 1 or 2, as a long table of scores."""

from __future__ import annotations

from collections.abc import Iterator
from math import isnan
from typing import Any

import pandas as pd

from faircmr.core.errors import InvalidScoresError
from faircmr.core.json_text import parse_json

SUMMARY = "summary.json"
BACKGROUND = "0"
"""Label of the background, which version 1 scores like any other; no model is judged by it."""
FILES = frozenset({"test", "reference"})
"""What a case of version 1 has next to its labels: the paths of prediction and reference."""
Score = tuple[str, str, str, float]


def scores_of_summary(content: bytes) -> pd.DataFrame:
    """The Dice of every case and label.

    Args:
        content: Of ``summary.json``, as nnU-Net v1 or v2 writes it when it evaluates a folder.

    Returns:
        Columns ``case`` (file name of the prediction), ``structure`` (nnU-Net's label, e.g. ``1`` or ``(1, 2)``),
        ``metric`` (``dsc``) and ``value``. nnU-Net gives no Dice (NaN) to a label that neither image holds: it has no
        row here either. The background, which version 1 scores too, has no row.

    Raises:
        InvalidScoresError: It is no such file, or no case has a Dice.

    Source:
        nnU-Net v1, ``nnunet/evaluation/evaluator.py``; nnU-Net v2, ``nnunetv2/evaluation/evaluate_predictions.py``.
    """
    try:
        rows = list(_scores(parse_json(content)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidScoresError(
            SUMMARY,
            "unreadable, or without scores of cases",
            "nnU-Net's summary of an evaluation: metric_per_case (version 2), or results.all (version 1)",
            "evaluate the predictions again with nnUNetv2_evaluate_folder, or give a table of scores",
        ) from None
    if not rows:
        raise InvalidScoresError(SUMMARY, "no case has a Dice", "a summary of scored cases")
    return pd.DataFrame(rows, columns=["case", "structure", "metric", "value"])


def _scores(summary: dict[str, Any]) -> Iterator[Score]:
    if "metric_per_case" in summary:
        for case in summary["metric_per_case"]:
            yield from _rows(case["prediction_file"], case["metrics"])
        return
    for case in summary["results"]["all"]:
        labels = {label: metrics for label, metrics in case.items() if label not in FILES and label != BACKGROUND}
        yield from _rows(case["test"], labels)


def _rows(prediction: str, metrics: dict[str, dict[str, Any]]) -> Iterator[Score]:
    for label, values in metrics.items():
        dice = float(values["Dice"])
        if not isnan(dice):
            yield str(prediction), str(label), "dsc", dice
