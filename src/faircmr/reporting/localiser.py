"""Errors of a localiser by protected group, as text for the terminal."""

from __future__ import annotations

import pandas as pd

from faircmr.reporting.text_tables import as_text, decimal, empty_table

COLUMNS = {
    "heart_inside": "heart inside, %",
    "least_inside": "least, %",
    "box_overlap": "box overlap, %",
    "centre_error": "centre error, mm",
}
NOTE = "Labelled test subjects; a heart that was not located is segmented on the full image."


def render_localiser(errors: pd.DataFrame, title: str) -> str:
    """How well the heart was found in each group.

    Args:
        errors: As :func:`faircmr.fairness.localisation.localiser_table` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end; empty where full images are used.
    """
    if errors.empty:
        return ""
    table = empty_table(title, [""], ["n", "not located", *COLUMNS.values()])
    for _, row in errors.iterrows():
        table.add_row(
            str(row["group"]), str(row["n"]), str(row["not_located"]), *(decimal(row[name]) for name in COLUMNS)
        )
    return as_text(table, NOTE)
