"""Checks of a cohort as text for the terminal."""

from __future__ import annotations

import pandas as pd

from faircmr.fairness.cohort_checks.findings import Status
from faircmr.reporting.text_tables import as_text, empty_table

ALARMS = (Status.WARN, Status.FAIL)
NOTE = "Nothing was trained for this. The whole report: 08_reporting/cohort_report.html"


def render_checks(table: pd.DataFrame, title: str) -> str:
    """Checks as text, the worst first.

    Args:
        table: As :func:`faircmr.fairness.cohort_checks.checks.check_cohort` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end: status, check, what was found, and below that what to do.
    """
    rendered = empty_table(title, ["", "", ""], [])
    for check, status, found, remedy in (
        table[["check", "status", "found", "remedy"]].fillna("").itertuples(index=False)
    ):
        rendered.add_row(status.upper() if status in ALARMS else status, check, found)
        if remedy:
            rendered.add_row("", "", f"-> {remedy}")
    return as_text(rendered, NOTE)
