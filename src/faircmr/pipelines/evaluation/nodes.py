"""Nodes of evaluation."""

from __future__ import annotations

import pandas as pd


def compare_strategies(subjects: pd.DataFrame, **scores: pd.DataFrame) -> pd.DataFrame:
    """Table 2: one row a strategy that has been scored; a strategy that has not is absent."""
    from faircmr.fairness.comparison import table2

    return table2({strategy: table for strategy, table in scores.items() if len(table)}, subjects)
