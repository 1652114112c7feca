"""Grids, units and measures of a cohort, group by group: what differs may explain a gap in the scores."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

import numpy as np
import pandas as pd

from faircmr.core import PROTECTED_GROUP
from faircmr.core.scans import AS_STORED, NOT_STATED, UNKNOWN
from faircmr.fairness.audit import AuditParameters
from faircmr.fairness.cohort_checks.findings import CohortTables, Finding, Status, listed, rows_of
from faircmr.fairness.inference import FloatArray, Groups, hedges_g, holm, permutation_tests

LABELS, LENGTH_UNITS = "grid of the labels", "unit of length"
GEOMETRY_COLUMNS = ["what", "value", "scans", "total"]
GALLERY_REMEDY = "look at the gallery: contours must follow the hearts; if they do not, correct qform and sform"


def geometry_counts(scans: pd.DataFrame) -> pd.DataFrame:
    """Count scans by what their headers say.

    Args:
        scans: Columns ``labelled``, ``label_grid`` and ``unit`` of the scan index.

    Returns:
        One row a kind of label grid (``kind`` of ``Placement`` in :mod:`faircmr.core.scans.grids`) and a unit, the most
        frequent first: ``what`` (:data:`LABELS` or :data:`LENGTH_UNITS`), ``value``, ``scans`` and ``total``.
    """
    parts = ((LABELS, scans.loc[scans["labelled"], "label_grid"]), (LENGTH_UNITS, scans["unit"]))
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
    told = [_count_phrase(kind, count, total) for kind, count in found.items()]
    if set(found) == {AS_STORED}:
        return Finding(check, Status.PASS, told[0])
    return Finding(check, Status.WARN, listed(told), GALLERY_REMEDY)


def check_units(tables: CohortTables) -> Finding:
    """Headers state lengths in millimetres."""
    check, found = "millimetres in the headers", _counts(tables, LENGTH_UNITS)
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


def _count_phrase(kind: str, count: int, total: int) -> str:
    if kind == AS_STORED:
        return f"the label was stored on the image's grid in {count} of {total} scans"
    if kind == UNKNOWN:
        return f"the headers do not say it in {count} of {total} scans: shape and spacing alone were compared"
    return f"the label was {kind} and was put on the image's grid in {count} of {total} scans"


GEOMETRY_CHECKS = (check_label_grids, check_units)


PEOPLE, GRID, IMAGE = "people", "grid", "image"
UNITS = {
    "age": "years",
    "slices": "",
    "rows": "",
    "columns": "",
    "spacing_slice": "mm",
    "spacing_row": "mm",
    "spacing_column": "mm",
    "labelled_slices": "",
    "contrast": "share of range",
    "noise": "share of range",
    "sharpness": "ranges per mm",
    "saturated": "share of voxels",
    "at_border": "share of scans",
    "at_base": "share of scans",
    "at_apex": "share of scans",
    "labels_swapped": "share of scans",
}
"""Of what is measured of grids and images, in order, and of age; a covariate's own is the source's."""
GRID_MEASURES = ("slices", "rows", "columns", "spacing_slice", "spacing_row", "spacing_column")
IMAGE_MEASURES = (
    "labelled_slices",
    "contrast",
    "noise",
    "sharpness",
    "saturated",
    "at_border",
    "at_base",
    "at_apex",
    "labels_swapped",
)


DRAWS = 2.5
"""Permutations for each question and level: Holm's first step can then reach 0.8 alpha, and no draw is wasted."""


class _Family(NamedTuple):
    """Measures of the same subjects: scores of shape (measures, subjects)."""

    measures: list[str]
    scores: FloatArray
    groups: Groups


def compare_measures(
    subjects: pd.DataFrame, scans: pd.DataFrame, quality: pd.DataFrame, audit: AuditParameters
) -> pd.DataFrame:
    """Describe every measure by protected group, and test each group against the rest.

    Args:
        subjects: Subject index; its numbers (age, height) are measures of people.
        scans: Shape and spacing of every scan.
        quality: Quality of every scan, see :class:`~faircmr.core.scans.images.ImageQuality`.
        audit: Level and seed of the tests, and the size below which a group is described and not tested.

    Returns:
        One row a measure and group: ``kind`` (``people``, ``grid``, ``image``), ``measure``, ``unit``, ``group``,
        ``n`` (subjects of whom it is known; a subject counts once, with the mean of its scans), ``mean``, ``sd``,
        ``minimum``, ``median``, ``maximum``; against all other groups that are large enough ``hedges_g``, ``p`` of the
        studentised permutation test and ``p_holm``, adjusted over all measures and groups of a kind; NaN where
        untested.
    """
    groups = subjects.set_index("subject_id")[PROTECTED_GROUP].astype("str")
    measured = _by_subject(subjects, scans, quality)
    table = pd.concat([_described(kind, values, groups) for kind, values in measured.items()], ignore_index=True)
    tests = [row for values in measured.values() for row in _tested(values, groups, audit)]
    found = pd.DataFrame(tests, columns=["measure", "group", "hedges_g", "p"])
    table = table.merge(found.astype({"measure": "str", "group": "str"}), on=["measure", "group"], how="left")
    table["p_holm"] = table.groupby("kind", sort=False)["p"].transform(lambda p: holm(p.to_numpy(dtype=np.float64)))
    return table


def varying(measures: pd.DataFrame) -> pd.DataFrame:
    """Rows of measures that are not the same for everybody, of a table as :func:`compare_measures` makes it."""
    of_measure = measures.groupby("measure")
    return measures[of_measure["minimum"].transform("min") < of_measure["maximum"].transform("max")]


def _by_subject(subjects: pd.DataFrame, scans: pd.DataFrame, quality: pd.DataFrame) -> dict[str, pd.DataFrame]:
    people = subjects.drop(columns=[PROTECTED_GROUP]).set_index("subject_id").select_dtypes("number")
    grids = scans.groupby("subject_id")[list(GRID_MEASURES)].mean()
    images = quality.groupby("subject_id")[list(IMAGE_MEASURES)].mean()
    everybody = people.index
    tables = {PEOPLE: people, GRID: grids.reindex(everybody), IMAGE: images.reindex(everybody)}
    return {kind: table.astype("float64") for kind, table in tables.items() if len(table.columns)}


def _described(kind: str, values: pd.DataFrame, groups: pd.Series[str]) -> pd.DataFrame:
    long = values.join(groups).melt(id_vars=PROTECTED_GROUP, var_name="measure", value_name="value")
    by_group = long.rename(columns={PROTECTED_GROUP: "group"}).groupby(["measure", "group"], sort=False)["value"]
    statistics = by_group.agg(n="count", mean="mean", sd="std", minimum="min", median="median", maximum="max")
    order = pd.MultiIndex.from_product([values.columns, sorted(groups.unique())], names=["measure", "group"])
    table = pd.DataFrame(statistics).reindex(order).reset_index()
    table = table.astype({"measure": "str", "group": "str", "n": "int64"})
    table.insert(0, "kind", kind)
    table.insert(2, "unit", table["measure"].map(UNITS).fillna(""))
    return table


def _tested(
    values: pd.DataFrame, groups: pd.Series[str], audit: AuditParameters
) -> Iterator[tuple[str, str, float, float]]:
    """Measure, group, Hedges' g and p; what is equal for everybody cannot differ and is no question."""
    families = list(_families(values, groups, audit.min_group_size))
    questions = sum(len(family.measures) * len(family.groups.names) for family in families)
    draws = ceil(DRAWS * questions / audit.alpha)
    for family in families:
        p_values = permutation_tests(family.scores, family.groups, draws, audit.seed).against_rest.p_values
        with np.errstate(invalid="ignore"):  # infinite where neither a group nor the rest varies
            effects = hedges_g(family.scores, family.groups, audit.alpha).estimates
        for measure, of_measure in zip(family.measures, zip(effects, p_values, strict=True), strict=True):
            for group, effect, p in zip(family.groups.names, *of_measure, strict=True):
                yield measure, group, float(effect), float(p)


def _families(values: pd.DataFrame, groups: pd.Series[str], least: int) -> Iterator[_Family]:
    """Measures that are known of the same subjects are one: one draw of groups serves them all."""
    alike: dict[bytes, list[str]] = {}
    for name in values.columns[values.nunique() > 1]:
        alike.setdefault(values[name].notna().to_numpy().tobytes(), []).append(str(name))
    for names in alike.values():
        members = groups[values[names[0]].notna()]
        members = members[members.groupby(members).transform("size") >= least]
        if members.nunique() > 1:
            yield _Family(names, values.loc[members.index, names].to_numpy().T, Groups.of(members.tolist()))
