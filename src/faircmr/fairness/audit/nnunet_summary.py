"""nnU-Net's ``summary.json`` as a long table of scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isnan
from typing import Any

import pandas as pd

from faircmr.core.errors import InvalidScoresError


def scores_of_summary(content: bytes) -> pd.DataFrame:
    """The Dice of every case and label.

    Args:
        content: Of ``summary.json``, as nnU-Net v2 writes it when it evaluates a folder.

    Returns:
        Columns ``case`` (file name of the prediction), ``structure`` (nnU-Net's label), ``metric`` (``dsc``) and
        ``value``. nnU-Net gives no Dice (NaN) to a label that neither image holds: it has no row here either.

    Raises:
        InvalidScoresError: It is no such file, or no case has a Dice.
    """
    try:
        rows = [row for case in json.loads(content.decode("utf-8"))["metric_per_case"] for row in _rows(case)]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidScoresError(
            "summary.json", "unreadable, or without metric_per_case", "nnU-Net's summary of an evaluation"
        ) from None
    if not rows:
        raise InvalidScoresError("summary.json", "no case has a Dice", "a summary of scored cases")
    return pd.DataFrame(rows, columns=["case", "structure", "metric", "value"])


def _rows(case: dict[str, Any]) -> Iterator[tuple[str, str, str, float]]:
    for label, metrics in case["metrics"].items():
        dice = float(metrics["Dice"])
        if not isnan(dice):
            yield str(case["prediction_file"]), str(label), "dsc", dice
