"""Checks of images and of what is measured: confounders, cut-off hearts, and scans that stand there twice."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from faircmr.fairness.cohort_checks.findings import CohortTables, Finding, Status, listed, rows_of
from faircmr.fairness.cohort_checks.measures import GRID, IMAGE, PEOPLE, varying
from faircmr.fairness.cohort_checks.pairs import ONE_PERSON

ADJUST = "a gap may be due to it: name it in audit.covariates or audit.mediators where the study has it, and say so"

NO_LABEL = "no scan is labelled"
NOT_MEASURED = {
    PEOPLE: "the study has no attribute of subjects that is a number, such as age",
    GRID: "no spacing and no shape is known",
    IMAGE: "no image was measured",
}
MOST = 0.5
"""Share of scans above which labels are wrong altogether."""


def check_people(tables: CohortTables) -> Finding:
    """Groups are of one age (and height, and weight)."""
    return _confounders(tables, PEOPLE, "people differ by group")


def check_grids(tables: CohortTables) -> Finding:
    """Groups were scanned with one spacing and shape."""
    return _confounders(tables, GRID, "spacing and shape differ by group")


def check_images(tables: CohortTables) -> Finding:
    """Images of all groups are equally good."""
    return _confounders(tables, IMAGE, "image quality differs by group")


def check_border(tables: CohortTables) -> Finding:
    """No heart is cut off by the image's side."""
    check, share = "heart within the image", _overall(tables.measures, "at_border")
    if np.isnan(share):
        return Finding(check, Status.UNCHECKED, NO_LABEL)
    found = f"the label touches a side of the image in {100.0 * share:.3g} % of scans"
    if share <= tables.limits.truncated:
        return Finding(check, Status.PASS, found)
    return Finding(check, Status.WARN, found, "look at these scans: volumes are too small where the heart is cut off")


def check_ends(tables: CohortTables) -> Finding:
    """Slices go beyond the heart at both ends."""
    check = "slices beyond the heart"
    base, apex = (100.0 * _overall(tables.measures, name) for name in ("at_base", "at_apex"))
    if np.isnan(base):
        return Finding(check, Status.UNCHECKED, NO_LABEL)
    found = f"the outermost slice is labelled in {base:.3g} % of scans at the base, {apex:.3g} % at the apex"
    if max(base, apex) <= 100.0 * tables.limits.open_ended:
        return Finding(check, Status.PASS, found)
    return Finding(check, Status.WARN, found, "slices may be missing, or were cut away: volumes may be too small")


def check_label_values(tables: CohortTables) -> Finding:
    """The label's values mean what is declared: the left-ventricular blood pool is inside its myocardium."""
    check, share = "values of the labels", _overall(tables.measures, "labels_swapped")
    if np.isnan(share):
        return Finding(check, Status.UNCHECKED, "no scan shows LVBP and LVM")
    found = f"another structure than LVBP is enclosed, or by another than LVM, in {100.0 * share:.3g} % of scans"
    if share <= tables.limits.labels_swapped:
        return Finding(check, Status.PASS, found)
    if share <= MOST:
        return Finding(check, Status.WARN, found, "look at the labels of these scans: they may be coded differently")
    remedy = (
        "structures seem to be exchanged: correct label_values of the source, or cohort.parameters.label_names of an "
        "nnU-Net data set"
    )
    return Finding(check, Status.FAIL, found, remedy)


def check_saturation(tables: CohortTables) -> Finding:
    """Intensities are not cut off."""
    check, share = "saturated voxels", _overall(tables.measures, "saturated")
    found = f"{100.0 * share:.2g} % of an image's voxels have its largest value"
    if share <= tables.limits.saturated:
        return Finding(check, Status.PASS, found)
    return Finding(check, Status.WARN, found, "export the scans anew without clipping their intensities")


def check_duplicates(tables: CohortTables) -> Finding:
    """No image stands under two ids."""
    pairs = tables.pairs[tables.pairs["kind"] != ONE_PERSON]
    return _twice(
        "one image under two ids", pairs, "look at both scans and keep one", divided=not tables.problem.exists
    )


def check_persons(tables: CohortTables) -> Finding:
    """No person stands under two keys."""
    pairs = tables.pairs[tables.pairs["kind"] == ONE_PERSON]
    return _twice(
        "one person under two keys", pairs, "keep one visit of each person", divided=not tables.problem.exists
    )


def _confounders(tables: CohortTables, kind: str, check: str) -> Finding:
    rows = tables.measures[tables.measures["kind"] == kind]
    if not (rows["n"] > 0).any():
        return Finding(check, Status.UNCHECKED, NOT_MEASURED[kind])
    if varying(rows).empty:
        return Finding(check, Status.PASS, "everything measured is the same for everybody")
    if not rows["p"].notna().any():
        alone = f"no two groups of {tables.audit.min_group_size} subjects: nothing could be compared"
        return Finding(check, Status.WARN, alone, "read the ranges by group below")
    # not measured to be small: where a group does not vary its effect is infinite
    large = ~(rows["hedges_g"].abs() < tables.limits.standardised_difference)
    apart = rows[(rows["p_holm"] <= tables.audit.alpha) & large]
    if apart.empty:
        found = f"no difference shown (p, Holm, above {tables.audit.alpha:g}), or a small one"
        return Finding(check, Status.PASS, found)
    return Finding(check, Status.WARN, listed(_largest(apart)), ADJUST)


def _largest(apart: pd.DataFrame) -> list[str]:
    """Each measure with the group that is furthest from all others."""
    strength = apart["hedges_g"].abs().fillna(np.inf)
    ordered = apart.assign(strength=strength).sort_values("strength", ascending=False, kind="stable")
    most = ordered.drop_duplicates("measure").fillna({"unit": ""})
    return [
        f"{measure} (most in {group}: median {median:.3g} {unit}".rstrip() + ")"
        for measure, group, median, unit in rows_of(most, "measure", "group", "median", "unit")
    ]


def _twice(check: str, pairs: pd.DataFrame, remedy: str, *, divided: bool) -> Finding:
    subjects = pairs[["subject_id", "other_subject_id"]].apply(sorted, axis=1, result_type="expand")
    count, across = len(subjects.drop_duplicates()), int(pairs["across_splits"].sum())
    if not count:
        return Finding(check, Status.PASS, "none")
    names = [f"{one} and {other}" for one, other in _first(pairs)]
    where = f"{'some' if across else 'none'} across splits" if divided else "which are not divided"
    status = Status.FAIL if across else Status.WARN
    return Finding(
        check, status, f"{count} pair{'s' if count > 1 else ''} of subjects, {where}: {listed(names)}", remedy
    )


def _first(pairs: pd.DataFrame) -> Collection[tuple[str, str]]:
    """Those across splits first: they are what a score would be wrong by."""
    ordered = pairs.sort_values("across_splits", ascending=False, kind="stable")
    return list(zip(ordered["subject_id"], ordered["other_subject_id"], strict=True))


def _overall(measures: pd.DataFrame, measure: str) -> float:
    """Mean over subjects; NaN where it is not known of anybody."""
    rows = measures[(measures["measure"] == measure) & (measures["n"] > 0)]
    return float((rows["mean"] * rows["n"]).sum() / rows["n"].sum()) if len(rows) else float("nan")


IMAGE_CHECKS = (
    check_people,
    check_grids,
    check_images,
    check_border,
    check_ends,
    check_label_values,
    check_saturation,
    check_duplicates,
    check_persons,
)
