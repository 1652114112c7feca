"""Run all checks of a cohort, and sort the findings with the worst first."""

from __future__ import annotations

from collections.abc import Collection
from operator import itemgetter

import numpy as np
import pandas as pd

from faircmr.core.study import TEST, TRAIN, UNUSED
from faircmr.fairness.cohort_checks.counts import ONE_PERSON, SEX
from faircmr.fairness.cohort_checks.findings import CohortTables, Finding, Status, listed, rows_of
from faircmr.fairness.cohort_checks.measures import GEOMETRY_CHECKS, GRID, IMAGE, PEOPLE, varying

GATHER = "add subjects of these groups to the test set, or report them without a verdict"
BALANCE = (
    "add subjects of the smallest groups, or compare strategies that balance the training (stratified, balanced): a "
    "model may serve these groups worse"
)
NOT_DIVIDED = "the subjects are not divided"
PART_WORDS = {TRAIN: "training", TEST: "test"}


def check_test_groups(tables: CohortTables) -> Finding:
    """Every group is tested, and by enough subjects that something can be said of it."""
    check, least = "test subjects of every group", tables.audit.min_group_size
    if tables.problem.exists:
        return Finding(check, Status.UNCHECKED, NOT_DIVIDED)
    sizes = {f"{attribute} {group}": n for attribute, group, n in rows_of(tables.power, "attribute", "group", "n")}
    if absent := [name for name, n in sizes.items() if n == 0]:
        return Finding(check, Status.FAIL, f"no test subject is of {listed(absent)}", GATHER)
    if small := [f"{name} ({n})" for name, n in sizes.items() if n < least]:
        return Finding(check, Status.WARN, f"fewer than {least}, so no verdict, of {listed(small)}", GATHER)
    return Finding(check, Status.PASS, f"{min(sizes.values())} or more of every group")


def check_training_groups(tables: CohortTables) -> Finding:
    """Every group can be learned from: enough training subjects in every fold, and not far fewer than of another."""
    check = "training subjects of every group"
    if tables.problem.exists:
        return Finding(check, Status.UNCHECKED, NOT_DIVIDED)
    sizes = tables.groups.groupby(["attribute", "group"], sort=False)[TRAIN].min()
    own = sizes[tables.protected_attribute]
    found = f"{own.min()} ({own.idxmin()}) to {own.max()} ({own.idxmax()}) a group"
    if own.min() == own.max():
        found = f"{own.max()} of every group"
    if absent := _empty(sizes):
        status = Status.FAIL if own.min() == 0 else Status.WARN
        remedy = "move subjects into training, or do not speak of these groups"
        return Finding(check, status, f"none of {listed(absent)}", remedy)
    if own.min() < tables.limits.training_subjects or own.max() > tables.limits.training_imbalance * own.min():
        return Finding(check, Status.WARN, found, BALANCE)
    return Finding(check, Status.PASS, found)


def check_power(tables: CohortTables) -> Finding:
    """A gap that matters would be found."""
    check, limit = "power to find a gap", tables.limits.largest_detectable_gap
    if tables.problem.exists:
        return Finding(check, Status.UNCHECKED, NOT_DIVIDED)
    missed = 100.0 * (1.0 - tables.limits.power)
    known = tables.power.dropna(subset=["detectable"])
    if known.empty:
        return Finding(check, Status.WARN, "no two groups are large enough to be compared", GATHER)
    n, group, gap = max(rows_of(known, "n", "group", "detectable"), key=itemgetter(2))
    found = (
        f"with {n} test subjects of {group} a gap below {gap:.1f} points "
        f"is missed in {missed:.3g} % of studies or more (SD {tables.limits.score_sd:g} points assumed)"
    )
    if gap <= limit:
        return Finding(check, Status.PASS, found)
    return Finding(check, Status.WARN, found, f"do not read “no difference found” as fair below {limit:g} points")


def check_sexes(tables: CohortTables) -> Finding:
    """Sex and protected group can be told apart: in training and in the test there is each sex of each group."""
    check = "every sex in every group"
    if tables.protected_attribute == SEX:
        return Finding(check, Status.UNCHECKED, "sex is the protected attribute")
    if tables.by_sex.empty:
        return Finding(check, Status.UNCHECKED, "sex is not among the attributes of the study, or is not known")
    cells = _cells_by_sex(tables)
    remedy = "sex and group cannot be told apart there: say so, and do not adjust for sex"
    empty = [f"no subject is {listed(names)}" for names in [_empty(cells["total"])] if names]
    if not (empty or tables.problem.exists):
        absent = {part: _empty(cells[part]) for part in (TRAIN, TEST)}
        empty = [f"no {PART_WORDS[part]} subject is {listed(names)}" for part, names in absent.items() if names]
    if empty:
        return Finding(check, Status.WARN, "; ".join(empty), remedy)
    return Finding(check, Status.PASS, f"at least {cells['total'].min()} in each")


def _cells_by_sex(tables: CohortTables) -> pd.DataFrame:
    """Subjects of each group and sex: in all, in the training of the fold that has fewest, and tested in any fold."""
    rows = tables.by_sex
    product = pd.MultiIndex.from_product([rows["group"].unique(), rows["sex"].unique()])
    cells = rows.groupby(["group", "sex"], sort=False).agg({"total": "max", TRAIN: "min", TEST: "sum"})
    return cells.reindex(product, fill_value=0)


def _empty(cells: pd.Series[int]) -> list[str]:
    """Names of cells without a subject."""
    return [" ".join(map(str, names)) for names in cells.index[cells == 0]]


def check_missing(tables: CohortTables) -> Finding:
    """What is adjusted for is known of everybody."""
    check = "missing values"
    many = tables.missing[tables.missing["percent"] > 100.0 * tables.limits.missing]
    if many.empty:
        return Finding(check, Status.PASS, f"at most {100.0 * tables.limits.missing:.3g} % of any column in any group")
    names = [
        f"{column} of {group} ({share:.0f} %)" for column, group, share in rows_of(many, "column", "group", "percent")
    ]
    remedy = (
        "complete them, or leave the column out of audit.covariates: incomplete subjects drop out of adjusted tables"
    )
    return Finding(check, Status.WARN, listed(names), remedy)


def check_quarantine(tables: CohortTables) -> Finding:
    """Few subjects cannot be used."""
    check, rows = "subjects that cannot be used", tables.quarantined
    lost = int(rows["subjects"].sum())
    counts = tables.everybody
    # of a cross-validation each fold has everybody
    taking_part = int(counts.groupby("fold", dropna=False)["total"].sum().max())
    found = f"{lost} beside {taking_part} that take part"
    if lost <= tables.limits.quarantined * (lost + taking_part):
        return Finding(check, Status.PASS, found)
    remedy = "see 02_intermediate/quarantine.csv for the reasons, and below whether one group loses more than others"
    return Finding(check, Status.WARN, found, remedy)


PEOPLE_CHECKS = (check_test_groups, check_training_groups, check_power, check_sexes, check_missing, check_quarantine)


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


CHECK_COLUMNS = list(Finding._fields)
WORST_FIRST = tuple(reversed(Status))


def check_cohort(tables: CohortTables, splits: pd.DataFrame) -> pd.DataFrame:
    """Hold a cohort against its limits.

    Args:
        tables: What is known of it.
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.

    Returns:
        One row a check, failures first: ``check``, ``status`` (of
        :class:`~faircmr.fairness.cohort_checks.Status`), ``found``, ``remedy``.
    """
    findings = [
        check_division(tables, splits),
        *(check(tables) for check in (*PEOPLE_CHECKS, *GEOMETRY_CHECKS, *IMAGE_CHECKS)),
    ]
    ordered = [finding for status in WORST_FIRST for finding in findings if finding.status == status]
    return pd.DataFrame(ordered, columns=CHECK_COLUMNS).astype("str")


def check_division(tables: CohortTables, splits: pd.DataFrame) -> Finding:
    """Subjects are divided, and no subject is in two parts of the study.

    Args:
        tables: As for :func:`check_cohort`.
        splits: As for :func:`check_cohort`.
    """
    check = "training, validation and test"
    if tables.problem.exists:
        return Finding(check, Status.FAIL, f"the subjects cannot be divided: {tables.problem}", tables.problem.remedy)
    used = splits[splits["split"] != UNUSED]
    key = ["subject_id", "fold"] if "fold" in used else ["subject_id"]
    twice = used.loc[used.duplicated(key), "subject_id"].nunique()
    if twice:
        return Finding(check, Status.FAIL, f"{twice} subjects are in two parts", "make the splits anew")
    return Finding(
        check,
        Status.PASS,
        f"{used['subject_id'].nunique()} subjects, each in one part" + (" of a fold" if len(key) > 1 else ""),
    )
