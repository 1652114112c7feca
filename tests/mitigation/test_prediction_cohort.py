"""Subjects that a strategy predicts; only strategies that need the protected group receive it."""

from __future__ import annotations

import pandas as pd
import pytest

from faircmr.mitigation import StrategyParameters
from faircmr.mitigation.prediction_cohort import keys_of, select_prediction_cohort

SPLITS = pd.DataFrame(
    {"subject_id": ["sub-1", "sub-2", "sub-3", "sub-4"], "split": ["train", "validation", "test", "test"]}
)
SUBJECTS = pd.DataFrame({"subject_id": ["sub-1", "sub-2", "sub-3", "sub-4"], "protected_group": ["A", "A", "B", "A"]})
OWN_DIVISION = pd.DataFrame({"subject_id": ["sub-1", "sub-2"], "split": ["validation", "train"]})


def cohort_of(**choices: object) -> pd.DataFrame:
    strategy = StrategyParameters.model_validate({"name": "any"} | choices)
    return select_prediction_cohort(OWN_DIVISION, SPLITS, SUBJECTS, strategy)


def test_validation_subjects_are_the_strategys_and_test_subjects_the_studys():
    cohort = cohort_of()

    assert list(zip(cohort["subject_id"], cohort["split"], strict=True)) == [
        ("sub-1", "validation"),
        ("sub-3", "test"),
        ("sub-4", "test"),
    ]


@pytest.mark.parametrize(
    "choices",
    [{}, {"sampler": "stratified_batch_sampling"}, {"objective": "fair_meta_learning"}, {"cohort": "balanced"}],
)
def test_predictions_that_need_no_group_are_not_told_it(choices: dict):
    assert keys_of(cohort_of(**choices)) == {}


@pytest.mark.parametrize("choices", [{"stages": "protected_groups"}, {"output": "group_calibration"}])
def test_predictions_that_need_it_are(choices: dict):
    assert keys_of(cohort_of(**choices)) == {"sub-1": "A", "sub-3": "B", "sub-4": "A"}


def test_folds_stay_apart():
    folds = [SPLITS.assign(fold=0), SPLITS.assign(fold=1, split=["test", "test", "train", "train"])]
    training = pd.concat([OWN_DIVISION.assign(fold=0), SPLITS.iloc[2:].assign(fold=1, split="validation")])
    strategy = StrategyParameters(name="any", stages="protected_groups")

    cohort = select_prediction_cohort(training, pd.concat(folds), SUBJECTS, strategy)

    assert cohort.groupby("fold")["subject_id"].apply(list).to_dict() == {
        0: ["sub-1", "sub-3", "sub-4"],
        1: ["sub-3", "sub-4", "sub-1", "sub-2"],
    }
