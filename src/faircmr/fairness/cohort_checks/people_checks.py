"""Checks of who is in the study, and where."""

from __future__ import annotations

from operator import itemgetter

import pandas as pd

from faircmr.core.splits import TEST, TRAIN
from faircmr.fairness.cohort_checks.counts import SEX
from faircmr.fairness.cohort_checks.findings import CohortTables, Finding, Status, listed, rows_of

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
