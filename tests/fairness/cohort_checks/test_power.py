"""Detectable gaps of the test set, against the function that is itself held against statsmodels."""

import pandas as pd
import pytest

from faircmr.fairness.cohort_checks import detectable_gaps, split_counts
from faircmr.fairness.inference import smallest_detectable_gap
from tests.fairness.cohort_checks.cohorts import ATTRIBUTES, AUDIT, LIMITS, CohortOnPaper


def gaps(splits, folds=None, audit=AUDIT):
    counts = split_counts(CohortOnPaper().subjects, splits, ATTRIBUTES)
    return detectable_gaps(counts, folds, audit, LIMITS).set_index(["attribute", "group"])


def test_is_the_smallest_detectable_gap_of_the_groups_that_are_large_enough():
    table = gaps(CohortOnPaper().splits)

    assert table.loc["race", "n"].to_dict() == {"A": 6, "B": 6, "C": 1}
    assert table.loc["race", "tested"].tolist() == [True, True, False]
    assert table.loc[("race", "A"), "detectable"] == pytest.approx(smallest_detectable_gap([6, 6], 2.5)[0])
    assert table.loc[("race", "B"), "detectable_holm"] == pytest.approx(smallest_detectable_gap([6, 6], 2.5, 0.025)[1])
    assert table.loc[("race", "C"), ["detectable", "detectable_holm"]].isna().all()


def test_counts_the_folds_that_will_be_run_and_each_subject_once():
    splits = CohortOnPaper().splits
    turned = splits.assign(split=splits["split"].map({"train": "test", "test": "train", "validation": "validation"}))
    folds = pd.concat([splits.assign(fold=0), turned.assign(fold=1)])

    assert gaps(folds, folds=(0,)).loc[("race", "A"), "n"] == 6
    assert gaps(folds).loc[("race", "A"), "n"] == 18
    # folds of a study without cross-validation are none
    assert gaps(splits, folds=(0,)).loc[("race", "A"), "n"] == 6


def test_one_group_alone_has_nobody_to_be_compared_with():
    table = gaps(CohortOnPaper().splits, audit=AUDIT.model_copy(update={"min_group_size": 7}))

    assert table.loc["race", "detectable"].isna().all()
