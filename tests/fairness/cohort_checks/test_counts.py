"""Everybody is counted once, and what is not known stands there as such."""

import numpy as np
import pandas as pd

from faircmr.fairness.cohort_checks import missing_values, quarantined_by_group, split_counts
from tests.fairness.cohort_checks.cohorts import ATTRIBUTES, SIZES, CohortOnPaper


def test_counts_each_group_in_each_part_and_each_sex():
    cohort = CohortOnPaper()

    counts = split_counts(cohort.subjects, cohort.splits, ATTRIBUTES).set_index(["attribute", "group", "sex"])

    assert counts.loc[("race", "A", "all"), ["train", "validation", "test", "unused", "total"]].tolist() == [
        *(12, 2, 6, 0, 20)
    ]
    assert counts.loc[("race", "C", "all"), "test"] == 1
    assert counts.loc[("sex", "F", "all"), "total"] == 22
    sexes = counts.loc["race"].drop(index="all", level="sex").groupby("group")["total"].sum()
    assert sexes.to_dict() == SIZES


def test_a_value_that_is_missing_is_a_group_of_its_own():
    cohort = CohortOnPaper()
    cohort.subjects.loc[:2, "sex"] = None

    counts = split_counts(cohort.subjects, cohort.splits, ATTRIBUTES)

    assert counts.loc[(counts["attribute"] == "sex") & (counts["group"] == "(not known)"), "total"].tolist() == [3]
    assert counts.loc[counts["sex"] == "(not known)", ["group", "total"]].to_numpy().tolist() == [["A", 3]]


def test_each_fold_of_a_cross_validation_has_everybody():
    cohort = CohortOnPaper()
    folds = pd.concat([cohort.splits.assign(fold=fold) for fold in (0, 1)])

    counts = split_counts(cohort.subjects, folds, ATTRIBUTES)

    everybody = counts[(counts["attribute"] == "race") & (counts["sex"] == "all")]
    assert everybody.groupby("fold")["total"].sum().to_dict() == {0: 44, 1: 44}


def test_counts_missing_values_and_labels_by_group():
    cohort = CohortOnPaper()
    cohort.subjects.loc[[0, 1, 40], "age"] = np.nan
    cohort.scans.loc[1, "labelled"] = False

    missing = missing_values(cohort.subjects, cohort.scans).set_index(["column", "group"])

    assert missing.loc["age", "missing"].to_dict() == {"A": 2, "B": 0, "C": 1}
    assert missing.loc["age", "percent"].to_dict() == {"A": 10.0, "B": 0.0, "C": 25.0}
    assert missing.loc["label ES", "missing"].to_dict() == {"A": 1, "B": 0, "C": 0}
    assert missing.loc["label ED", "missing"].sum() == 0


def test_counts_a_quarantined_subject_once_and_without_a_group_where_none_is_known():
    cohort = CohortOnPaper()
    quarantine = pd.DataFrame(
        [("sub-0041", "ED", "wrong shape"), ("sub-0041", "ES", "damaged"), ("sub-9999", None, "no scans")],
        columns=["subject_id", "phase", "reason"],
    )

    table = quarantined_by_group(quarantine, cohort.everybody, "race")

    assert table[["reason", "group", "subjects"]].to_numpy().tolist() == [
        ["no scans", "(not known)", 1],
        ["wrong shape", "C", 1],
    ]
    assert table["percent"].tolist()[1] == 25.0
