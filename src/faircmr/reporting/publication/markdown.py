"""Pieces of Markdown that both cards use."""

from __future__ import annotations

from collections.abc import Sequence

TO_BE_SAID = "*To be said by the people of the study.*"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; bars within a cell are escaped."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def said(text: str) -> str:
    """What the people of the study say, or that they have not."""
    return text.strip() or TO_BE_SAID
