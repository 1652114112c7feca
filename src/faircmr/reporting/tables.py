"""Tables of a study as text for the terminal: percent with two decimals."""

from __future__ import annotations

import math

import pandas as pd

from faircmr.fairness.comparable import SEED_SD, SEEDS
from faircmr.fairness.group_row import MEASURES
from faircmr.reporting.text_tables import as_text, decimal, empty_table

TABLE_1_NOTE = "DSC in %, mean over the n subjects of a row. Avg: mean over phases and structures."
TABLE_2_NOTE = (
    "DSC in %, mean over a group's subjects. Avg: unweighted mean of the groups. SD: over groups (ddof = 1), points.\n"
    "SER: largest over smallest error. Both are positive by chance alone, the more so the smaller the groups;\n"
    "a low SD beside a low Avg means that everybody got the same, not that anybody got more."
)
SEEDS_NOTE = (
    "After ±: SD over training seeds (ddof = 1) of what one seed alone gives, and no spread over groups or subjects;\n"
    "the number before it is of scores that were averaged over seeds first."
)


def render_table1(table: pd.DataFrame, title: str) -> str:
    """Table 1 as text.

    Args:
        table: As :func:`faircmr.fairness.disaggregate.table1` makes it.
        title: Line above it, e.g. the strategy's name.

    Returns:
        Aligned plain text, without a line break at its end; ``-`` where a value is missing.
    """
    numbers = list(table.columns[3:])
    rendered = empty_table(title, [""], ["n", *(str(name).replace(" ", "\n") for name in numbers)])
    for _, rows in table.groupby("attribute", sort=False):
        for _, row in rows.iterrows():
            rendered.add_row(_row_name(row), str(row["n"]), *(decimal(row[name]) for name in numbers))
        rendered.add_section()
    return as_text(rendered, TABLE_1_NOTE)


def render_table2(table: pd.DataFrame, title: str) -> str:
    """Table 2 as text.

    Args:
        table: As :func:`faircmr.fairness.comparison.table2` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end; ``-`` where a value is missing. Spread over training
        seeds stands behind the measure (``87.68 ± 0.12``), and how many seeds there were in a column of its own, where
        any strategy has more than one.
    """
    spreads = {name: name + SEED_SD for name in MEASURES if name + SEED_SD in table}
    numbers = [str(name) for name in table.columns[1:] if name not in {SEEDS, *spreads.values()}]
    rendered = empty_table(title, [""], [*numbers, *([SEEDS] if spreads else [])])
    for _, row in table.iterrows():
        cells = [_with_spread(row[name], row[spreads[name]] if name in spreads else math.nan) for name in numbers]
        rendered.add_row(str(row["strategy"]), *cells, *([str(row[SEEDS])] if spreads else []))
    return as_text(rendered, "\n".join([TABLE_2_NOTE, *([SEEDS_NOTE] if spreads else [])]))


def _row_name(row: pd.Series[str]) -> str:
    """Groups and totals by their name alone, others with the attribute: a value may be just ``F``."""
    if row["attribute"] in {"total", "protected_group"}:
        return str(row["group"])
    return f"{row['attribute']}: {row['group']}"


def _with_spread(value: float, over_seeds: float) -> str:
    return decimal(value) if math.isnan(over_seeds) else f"{decimal(value)} ± {decimal(over_seeds)}"
