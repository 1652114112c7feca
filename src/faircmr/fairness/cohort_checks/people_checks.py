"""Checks of who is in the study, and where."""

from __future__ import annotations

from operator import itemgetter

from faircmr.core.splits import TRAIN
from faircmr.fairness.cohort_checks.counts import EVERYBODY
from faircmr.fairness.cohort_checks.findings import CohortTables, Finding, Status, listed, rows_of

GATHER = "add subjects of these groups to the test set, or report them without a verdict"


def check_test_groups(tables: CohortTables) -> Finding:
    """Every group is tested, and by enough subjects that something can be said of it."""
    check, least = "test subjects of every group", tables.audit.min_group_size
    sizes = {f"{attribute} {group}": n for attribute, group, n in rows_of(tables.power, "attribute", "group", "n")}
    if absent := [name for name, n in sizes.items() if n == 0]:
        return Finding(check, Status.FAIL, f"nobody is tested of {listed(absent)}", GATHER)
    if small := [f"{name} ({n})" for name, n in sizes.items() if n < least]:
        return Finding(check, Status.WARN, f"fewer than {least}, so no verdict, of {listed(small)}", GATHER)
    return Finding(check, Status.PASS, f"{min(sizes.values())} or more of every group")


def check_training_groups(tables: CohortTables) -> Finding:
    """Every protected group can be learned from."""
    check = "training subjects of every group"
    rows = tables.everybody
    fewest = rows.groupby("group", sort=False)[TRAIN].min()
    if absent := [str(group) for group, n in fewest.items() if n == 0]:
        remedy = "move subjects into training, or do not speak of these groups"
        return Finding(check, Status.FAIL, f"none of {listed(absent)}", remedy)
    largest = rows.groupby("group", sort=False)[TRAIN].max()
    found = f"{fewest.min()} ({fewest.idxmin()}) to {largest.max()} ({largest.idxmax()}) a group"
    if fewest.min() == largest.max():
        found = f"{largest.max()} of every group"
    return Finding(check, Status.PASS, found)


def check_power(tables: CohortTables) -> Finding:
    """A gap that matters would be found."""
    check, limit = "power to find a gap", tables.limits.largest_detectable_gap
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
    """Sex and protected group can be told apart."""
    check = "every sex in every group"
    rows = tables.counts[tables.counts["sex"] != EVERYBODY]
    if rows.empty:
        return Finding(check, Status.PASS, "the cohort does not tell the sex")
    present = rows.groupby(["group", "sex"], sort=False)["total"].max().unstack(fill_value=0)
    empty = [f"{group} {sex}" for group, row in present.iterrows() for sex, n in row.items() if n == 0]
    if empty:
        remedy = "sex and group cannot be told apart there: say so, and do not adjust for sex"
        return Finding(check, Status.WARN, f"nobody is {listed(empty)}", remedy)
    return Finding(check, Status.PASS, f"at least {present.to_numpy().min()} in each")


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
