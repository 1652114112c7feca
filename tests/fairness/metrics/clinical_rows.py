"""Tables of clinical errors made by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.fairness.metrics.clinical import Measure


def rows(predicted: Sequence[float], reference: Sequence[float], measure: Measure = Measure.LVEF) -> pd.DataFrame:
    table = pd.DataFrame({"predicted": predicted, "reference": reference}, dtype=float)
    return table.assign(
        subject_id=[f"sub-{number:04d}" for number in range(1, len(table) + 1)],
        measure=str(measure),
        unit=measure.unit,
        error=table["predicted"] - table["reference"],
        problem=table["predicted"].isna().map({True: "ED LVBP missed", False: ""}),
    )


def groups(labels: Sequence[str | None]) -> pd.Series:
    return pd.Series(labels, index=[f"sub-{number:04d}" for number in range(1, len(labels) + 1)])
