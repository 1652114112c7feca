"""Pairs of subjects that should be one, and whether what was learned would be tested."""

import pandas as pd
import pytest

from faircmr.core.scans import EXACT, FEATURES, NEAR
from faircmr.fairness.cohort_checks import find_pairs
from faircmr.fairness.cohort_checks.counts import ONE_PERSON
from tests.fairness.cohort_checks.cohorts import LIMITS, CohortOnPaper


def pairs(cohort, splits=None):
    splits = cohort.splits if splits is None else splits
    return find_pairs(cohort.descriptors, cohort.everybody, splits, LIMITS.duplicate_distance)


def copy(cohort, source, target, digest):
    columns = [*FEATURES, *(["digest"] if digest else [])]
    cohort.descriptors.loc[target, columns] = cohort.descriptors.loc[source, columns].to_numpy()


@pytest.mark.parametrize(("target", "across"), [(2, False), (38, True)])
def test_says_whether_a_copy_stands_in_another_part(target, across):
    cohort = CohortOnPaper()
    copy(cohort, 0, target, digest=True)

    (row,) = pairs(cohort).itertuples()

    assert (row.subject_id, row.other_subject_id) == ("sub-0001", f"sub-{target // 2 + 1:04d}")
    assert (row.kind, row.across_splits) == (EXACT, across)


def test_a_subject_that_is_not_used_leaks_nothing():
    cohort = CohortOnPaper()
    copy(cohort, 0, 38, digest=False)
    cohort.splits.loc[19, "split"] = "unused"

    assert pairs(cohort)[["kind", "across_splits"]].to_numpy().tolist() == [[NEAR, False]]


def test_in_a_cross_validation_one_fold_that_tells_them_apart_suffices():
    cohort = CohortOnPaper()
    copy(cohort, 0, 2, digest=False)
    folds = pd.concat([cohort.splits.assign(fold=0), cohort.splits.assign(fold=1)], ignore_index=True)
    assert not pairs(cohort, folds)["across_splits"].any()
    folds.loc[44, "split"] = "test"

    assert pairs(cohort, folds)["across_splits"].all()


def test_finds_one_person_under_two_keys_where_the_source_tells_it():
    cohort = CohortOnPaper()
    cohort.everybody["person"] = [7234567, *range(42), 7234567]
    cohort.everybody.loc[5, "person"] = None

    table = pairs(cohort)

    assert table[["subject_id", "other_subject_id", "kind", "across_splits"]].to_numpy().tolist() == [
        ["sub-0001", "sub-0044", ONE_PERSON, True]
    ]
    assert "7234567" not in table.to_csv()


def test_people_who_do_not_take_part_are_no_pair():
    cohort = CohortOnPaper()
    cohort.everybody["person"] = ["p", *map(str, range(42)), "p"]
    cohort.splits = cohort.splits.iloc[1:]
    cohort.descriptors = cohort.descriptors.iloc[2:]

    assert pairs(cohort).empty
