"""The section of a page that says what was left out, how much of it, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import pandas as pd

from faircmr.core.omissions import Omission
from faircmr.reporting.html_page import Html, element, table

HEADING = "What was left out"
CAPTION = "Left out, or treated differently from the rest"
COLUMNS = ("how many", "are", "because")
WORDS = "words narrow"


def omission_rows(
    by_step: Mapping[str, Iterable[Omission]], further: Mapping[str, Callable[[Omission], str]] | None = None
) -> Html:
    """A table of omissions, one row each.

    Args:
        by_step: Omissions by the step that heads their rows; an empty name heads none.
        further: Cells of further columns, by the head of the column.
    """
    cells = further or {}
    bodies = {
        step: [[one.counted, one.outcome, one.reason, *(cell(one) for cell in cells.values())] for one in some]
        for step, some in by_step.items()
    }
    return table(CAPTION, [*COLUMNS, *cells], {step: rows for step, rows in bodies.items() if rows}, WORDS)


def omission_section(by_step: Mapping[str, Iterable[Omission]], nothing: str) -> Iterator[Html]:
    """The table, or one sentence where nothing was left out.

    Args:
        by_step: As for :func:`omission_rows`.
        nothing: The sentence.
    """
    found = {step: list(some) for step, some in by_step.items()}
    yield omission_rows(found) if any(found.values()) else element("p", nothing)


def unscored_rows(unscored: pd.DataFrame) -> Html:
    """Subjects without a score by group.

    Args:
        unscored: Of :attr:`faircmr.fairness.audit.Audit.unscored`; has rows.
    """
    bodies: dict[str, list[list[str]]] = {}
    for row in unscored.itertuples(index=False):
        cells = [str(row.group), f"{row.unscored} of {row.subjects}", f"{row.percent:.1f} %"]
        bodies.setdefault(f"by {row.attribute}", []).append(cells)
    return table("Subjects of the demographics without a score", ["group", "without a score", "share"], bodies, WORDS)
