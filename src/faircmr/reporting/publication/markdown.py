"""Pieces of Markdown that both cards use. No name is markup: see :mod:`faircmr.core.shown_names`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd

from faircmr.core.omissions import omissions_in
from faircmr.core.shown_names import in_markdown
from faircmr.core.visible_text import visible_text
from faircmr.reporting.omission_tables import COLUMNS as OMISSION_COLUMNS

TO_BE_SAID = "*To be said by the people of the study.*"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain text: nothing in a cell is markup."""
    head, *body = [[in_markdown(cell) for cell in line] for line in (columns, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(columns), *body))


def omission_markdown(table: pd.DataFrame) -> str:
    """What was left out, as :func:`faircmr.core.omissions.omission_table` made it; empty where nothing was."""
    rows = [[step, one.counted, one.outcome, one.reason] for step, some in omissions_in(table).items() for one in some]
    return markdown_table(["step", *OMISSION_COLUMNS], rows) if rows else ""


def said(text: str) -> str:
    """What the people of the study say, in Markdown without HTML, or that they have not."""
    return visible_text(text).strip().replace("<", "&lt;") or TO_BE_SAID


def names_in_markdown(names: Iterable[str]) -> str:
    """Names one after the other within a sentence."""
    return ", ".join(map(in_markdown, names))
