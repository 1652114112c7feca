"""What R was given and what it said, as tables."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent
OUTPUTS = FOLDER / "outputs"


def given(name: str) -> pd.DataFrame:
    """An input: ``scores`` or ``volumes``."""
    return pd.read_csv(FOLDER / "inputs" / f"{name}.csv")


def said(name: str, **only: object) -> pd.DataFrame:
    """An output, with the rows alone whose columns have these values."""
    table = pd.read_csv(OUTPUTS / f"{name}.csv")
    for column, value in only.items():
        table = table[table[column] == value]
    return table.reset_index(drop=True)
