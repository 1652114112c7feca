"""Markup that every section uses: heads that explain themselves, numbers above their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from faircmr.reporting.audit_tables import decimal, interval
from faircmr.reporting.html_page import Html, element, table, together
from faircmr.reporting.report.paper_tables import Cell, PaperTable
from faircmr.reporting.report.study import each
from faircmr.reporting.report.words import TERMS

NUMBERS, WORDS = "numbers sortable", "words sortable"
Columns = dict[str, Callable[[Any], str]]


def head(name: str) -> Html:
    """Head of a column; what its words mean is told where anybody points at it or focuses it."""
    known = [f"{word}: {TERMS[word]}" for word in name.split() if word in TERMS]
    return element("abbr", name, title=". ".join(known)) if known else together([name])


def number(cell: Cell) -> Html:
    """A number with its marks, and its interval below it."""
    ends = interval(cell.low, cell.high)
    below = [element("small", ends)] if ends else []
    marks = [element("sup", cell.marks)] if cell.marks else []
    return together([decimal(cell.value, cell.decimals), *marks, *below])


def paper_table(caption: str, shown: PaperTable, first: str) -> Html:
    """One of the paper's tables.

    Args:
        caption: What it shows.
        shown: Its numbers.
        first: Head of the column of names.
    """
    bodies = {
        heading: [[_named(row.name, row.note), *map(number, row.cells)] for row in rows]
        for heading, rows in shown.bodies.items()
    }
    return table(caption, [first, *map(head, shown.columns)], bodies, NUMBERS)


def rows_table(caption: str, rows: pd.DataFrame, columns: Columns, by: str = "", class_: str = NUMBERS) -> Html:
    """A table of a data frame.

    Args:
        caption: What it shows.
        rows: Its rows.
        columns: What makes a cell of a row, by the head of its column.
        by: Column whose values stand above the rows that share them; none if empty.
        class_: :data:`NUMBERS` or :data:`WORDS`.
    """
    parts: Iterable[tuple[Any, pd.DataFrame]] = rows.groupby(by, sort=False) if by else [("", rows)]
    bodies = {str(name): [[make(row) for make in columns.values()] for row in each(part)] for name, part in parts}
    return table(caption, [head(name) for name in columns], bodies, class_)


def sentence(text: str) -> Html:
    """What is said in the place of something that a study does not have."""
    return element("p", text, class_="absent")


def bullets(lines: Sequence[str]) -> Html:
    """A list."""
    return element("ul", *(element("li", line) for line in lines))


def _named(name: str, note: str) -> Html:
    return together([name, *([element("small", note)] if note else [])])
