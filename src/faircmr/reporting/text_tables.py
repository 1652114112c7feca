"""Aligned plain text, as every table in the terminal has it."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

WIDTH = 10_000
"""Columns of the virtual terminal: wide enough that no cell is ever cut, also with a column for each of many groups."""


def empty_table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    """A table without rows.

    Args:
        title: Line above it.
        left: Names of the first columns, aligned to the left.
        right: Names of the other columns, aligned to the right.
    """
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="", pad_edge=False)
    for name in left:
        table.add_column(name, justify="left", no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def as_text(table: Table, note: str) -> str:
    """Text of a table and of a note below it, without a line break at its end."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    return "\n".join(["\n".join(lines).strip("\n"), "", note])


def decimal(value: float) -> str:
    """A number with two decimals; ``-`` where it is missing."""
    return "-" if math.isnan(value) else f"{value:.2f}"
