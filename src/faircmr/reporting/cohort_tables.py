"""Tables of the page about a cohort."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from faircmr.core.omissions import Omission
from faircmr.fairness.cohort_checks.findings import Status
from faircmr.reporting.html_page import Html, element, table

Columns = Mapping[str, Callable[[Any], str]]
"""Heads of a table, and what makes a cell of a row."""
PARTS = ("train", "validation", "test", "unused", "total")
STATISTICS = ("mean", "sd", "minimum", "median", "maximum")
LARGEST_EFFECT = 1000.0
MOST_PAIRS = 50
"""Pairs that are listed; all of them are in the study's table."""


def check_rows(checks: pd.DataFrame) -> Html:
    """All checks, as :func:`faircmr.fairness.cohort_checks.checks.check_cohort` makes them."""
    columns: Columns = {
        "outcome": lambda row: _outcome(str(row.status)),
        "check": lambda row: str(row.check),
        "what was found": lambda row: str(row.found),
        "what to do": lambda row: str(row.remedy),
    }
    counts = checks["status"].value_counts()
    outcomes = ", ".join(f"{counts[status]} {status}" for status in reversed(Status) if status in counts)
    return table(f"Checks: {outcomes}", list(columns), {"": _cells(checks, columns)}, "words")


def count_rows(counts: pd.DataFrame) -> Html:
    """Subjects by attribute, group, sex and part of the study."""
    columns: Columns = {"group": _text("group"), "sex": _text("sex"), **{name: _text(name) for name in PARTS}}
    return table("Subjects by group, sex and part of the study", list(columns), _bodies(counts, columns, _of_fold))


def power_rows(power: pd.DataFrame, min_group_size: int) -> Html:
    """Smallest gaps that would be found, by attribute and group."""
    columns: Columns = {
        "group": _text("group"),
        "test subjects": _text("n"),
        "by the group's own test (points)": lambda row: _number(row.detectable),
        "after Holm's correction (points)": lambda row: _number(row.detectable_holm),
        "enough for a verdict": lambda row: "yes" if row.tested else f"no, fewer than {min_group_size}",
    }
    return table("Smallest gaps that would be found", list(columns), _bodies(power, columns, _of_attribute))


def measure_rows(measures: pd.DataFrame) -> Html:
    """What is measured of people, grids and images, by group."""
    columns: Columns = {
        "group": _text("group"),
        "subjects": _text("n"),
        **{name: _significant(name) for name in STATISTICS},
        "Hedges' g": lambda row: _effect(row.hedges_g),
        "p (Holm)": lambda row: _p_value(row.p_holm),
    }
    return table("People, grids and images by group", list(columns), _bodies(measures, columns, _of_measure))


def geometry_rows(geometry: pd.DataFrame) -> Html:
    """Scans by what their headers say of labels and lengths."""
    columns: Columns = {
        "header": _text("value"),
        "scans": lambda row: f"{row.scans} of {row.total}",
    }
    return table(
        "Scans by what their headers say", list(columns), _bodies(geometry, columns, lambda row: str(row.what))
    )


def pair_rows(pairs: pd.DataFrame) -> Html:
    """Pairs of subjects that may be one, those across splits first."""
    columns: Columns = {
        "subject": _text("subject_id"),
        "and": _text("other_subject_id"),
        "phases": lambda row: "-" if pd.isna(row.phase) else f"{row.phase}, {row.other_phase}",
        "kind": _text("kind"),
        "distance": lambda row: _number(row.distance),
        "across splits": lambda row: "yes" if row.across_splits else "no",
    }
    shown = pairs.sort_values("across_splits", ascending=False, kind="stable").head(MOST_PAIRS)
    rest = len(pairs) - len(shown)
    caption = "Pairs, by study key" + (f"; {rest} more are in pairs.csv" if rest else "")
    return table(caption, list(columns), {"": _cells(shown, columns)}, "words")


def missing_rows(missing: pd.DataFrame) -> Html:
    """Values and labels that are missing, by column and group."""
    columns: Columns = {
        "column": _text("column"),
        "group": _text("group"),
        "missing": lambda row: f"{row.missing} of {row.n}",
        "share": lambda row: f"{row.percent:.1f} %",
    }
    return table("Missing values and labels", list(columns), {"": _cells(missing, columns)}, "words")


def lost_of_groups(quarantined: pd.DataFrame, omission: Omission) -> str:
    """How many subjects of each group are left out for one reason, with their share of the group.

    Args:
        quarantined: Of :func:`faircmr.fairness.cohort_checks.counts.quarantined_by_group`.
        omission: One row of the page; of others than those in quarantine the groups are not counted.
    """
    rows = quarantined[quarantined["reason"] == omission.reason] if omission.what == "subjects" else quarantined[:0]
    groups = zip(rows["group"], rows["subjects"], rows["percent"], strict=True)
    return ", ".join(f"{group}: {n}" + ("" if pd.isna(share) else f" ({share:.1f} %)") for group, n, share in groups)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _outcome(status: str) -> Html:
    return (
        element("span", status)
        if status in {Status.PASS, Status.UNCHECKED}
        else element("strong", status, class_="alarm")
    )


def _text(name: str) -> Callable[[Any], str]:
    return lambda row: str(getattr(row, name))


def _significant(name: str) -> Callable[[Any], str]:
    def shown(row: Any) -> str:
        value = float(getattr(row, name))
        return "-" if np.isnan(value) else f"{value:.4g}"

    return shown


def _effect(value: float) -> str:
    # where neither side varies but for rounding
    return _number(value) if np.isnan(value) or abs(value) < LARGEST_EFFECT else f"{'-' if value < 0 else ''}∞"


def _p_value(value: float) -> str:
    if np.isnan(value):
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _of_attribute(row: Any) -> str:
    return f"by {row.attribute}"


def _of_fold(row: Any) -> str:
    return _of_attribute(row) if pd.isna(row.fold) else f"by {row.attribute}, fold {int(row.fold)}"


def _of_measure(row: Any) -> str:
    return f"{row.measure} ({row.unit})" if isinstance(row.unit, str) and row.unit else str(row.measure)


def _bodies(rows: pd.DataFrame, columns: Columns, heading: Callable[[Any], str]) -> dict[str, list[list[str]]]:
    bodies: dict[str, list[list[str]]] = {}
    for row in rows.itertuples(index=False):
        bodies.setdefault(heading(row), []).append([cell(row) for cell in columns.values()])
    return bodies


def _cells(rows: pd.DataFrame, columns: Columns) -> list[list[str]]:
    return [[cell(row) for cell in columns.values()] for row in rows.itertuples(index=False)]
