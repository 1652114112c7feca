"""Pieces of Markdown that both cards use."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.core.omissions import omissions_in
from faircmr.reporting.omission_tables import COLUMNS as OMISSION_COLUMNS

TO_BE_SAID = "*To be said by the people of the study.*"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; bars within a cell are escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def omission_markdown(table: pd.DataFrame) -> str:
    """What was left out, as :func:`faircmr.core.omissions.omission_table` made it; empty where nothing was."""
    rows = [[step, one.counted, one.outcome, one.reason] for step, some in omissions_in(table).items() for one in some]
    return markdown_table(["step", *OMISSION_COLUMNS], rows) if rows else ""


def said(text: str) -> str:
    """What the people of the study say, or that they have not."""
    return text.strip() or TO_BE_SAID
