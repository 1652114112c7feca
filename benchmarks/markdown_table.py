"""Tables of the benchmarks as Markdown."""

from __future__ import annotations

import pandas as pd


def as_markdown(table: pd.DataFrame, decimals: int) -> str:
    """Rows of a table; numbers that are not whole by type get this many decimals."""
    rows = [[str(name) for name in table.columns], ["---"] * len(table.columns)]
    rows += [[_cell(value, decimals) for value in row] for row in table.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: object, decimals: int) -> str:
    return f"{value:.{decimals}f}" if isinstance(value, float) else str(value)
