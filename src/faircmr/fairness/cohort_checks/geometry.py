"""How the headers of a cohort's scans place labels on images, and in which unit they state lengths."""

from __future__ import annotations

import pandas as pd

from faircmr.core.grids import AS_STORED, UNKNOWN
from faircmr.core.scan import NOT_STATED
from faircmr.fairness.cohort_checks.findings import CohortTables, Finding, Status, listed, rows_of

LABELS, UNITS = "grid of the labels", "unit of length"
GEOMETRY_COLUMNS = ["what", "value", "scans", "total"]
LOOK = "look at the gallery: contours must follow the hearts; if they do not, correct qform and sform"


def geometry_counts(scans: pd.DataFrame) -> pd.DataFrame:
    """Count scans by what their headers say.

    Args:
        scans: Columns ``labelled``, ``label_grid`` and ``unit`` of the scan index.

    Returns:
        One row a kind of label grid (:attr:`faircmr.core.grids.Placement.kind`) and a unit, the most frequent first:
        ``what`` (:data:`LABELS` or :data:`UNITS`), ``value``, ``scans`` and ``total``.
    """
    parts = ((LABELS, scans.loc[scans["labelled"], "label_grid"]), (UNITS, scans["unit"]))
    rows = [
        (what, value, count, len(values))
        for what, values in parts
        for value, count in values.value_counts(sort=True).items()
    ]
    return pd.DataFrame(rows, columns=GEOMETRY_COLUMNS).astype({"scans": "int64", "total": "int64"})


def check_label_grids(tables: CohortTables) -> Finding:
    """Labels lie on their images by what both headers say."""
    check, found = "labels lie on their images", _counts(tables, LABELS)
    if not found:
        return Finding(check, Status.UNCHECKED, "no scan is labelled")
    total = sum(found.values())
    told = [_told(kind, count, total) for kind, count in found.items()]
    if set(found) == {AS_STORED}:
        return Finding(check, Status.PASS, told[0])
    return Finding(check, Status.WARN, listed(told), LOOK)


def check_units(tables: CohortTables) -> Finding:
    """Headers state lengths in millimetres."""
    check, found = "millimetres in the headers", _counts(tables, UNITS)
    total = sum(found.values())
    told = listed([f"{unit} in {count} of {total} scans" for unit, count in found.items()])
    if not set(found) - {"mm", NOT_STATED}:
        return Finding(check, Status.PASS, told)
    return Finding(
        check, Status.WARN, f"{told}; lengths were converted", "compare volumes and spacing with what you expect"
    )


def _counts(tables: CohortTables, what: str) -> dict[str, int]:
    rows = tables.geometry[tables.geometry["what"] == what]
    return {str(value): int(count) for value, count in rows_of(rows, "value", "scans")}


def _told(kind: str, count: int, total: int) -> str:
    if kind == AS_STORED:
        return f"the label was stored on the image's grid in {count} of {total} scans"
    if kind == UNKNOWN:
        return f"the headers do not say it in {count} of {total} scans: shape and spacing alone were compared"
    return f"the label was {kind} and was put on the image's grid in {count} of {total} scans"


GEOMETRY_CHECKS = (check_label_grids, check_units)
