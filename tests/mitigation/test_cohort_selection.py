"""Who a strategy trains on."""

import pandas as pd
import pytest

from faircmr.core.errors import InvalidSplitError
from faircmr.mitigation.cohort_selection import select_training_cohort
from faircmr.mitigation.parameters import StrategyParameters

BASELINE = StrategyParameters(name="baseline")
SUBJECTS = pd.DataFrame({"subject_id": ["a", "b", "c", "d"], "protected_group": ["A", "B", "A", "B"], "age": 50})


def splits_of(*split: str) -> pd.DataFrame:
    return pd.DataFrame({"subject_id": ["a", "b", "c", "d"], "split": split})


def test_natural_takes_everybody_who_is_not_tested_with_their_group():
    cohort = select_training_cohort(splits_of("train", "validation", "test", "unused"), SUBJECTS, BASELINE)

    assert cohort.to_dict("list") == {
        "subject_id": ["a", "b"],
        "split": ["train", "validation"],
        "protected_group": ["A", "B"],
    }


def test_each_fold_has_its_own_subjects():
    first, second = splits_of("train", "train", "test", "test"), splits_of("test", "test", "train", "train")
    folds = pd.concat([first.assign(fold=0), second.assign(fold=1)])

    cohort = select_training_cohort(folds, SUBJECTS, BASELINE)

    assert cohort[["subject_id", "fold"]].to_numpy().tolist() == [["a", 0], ["b", 0], ["c", 1], ["d", 1]]


def test_nobody_to_train_on_is_an_error():
    with pytest.raises(InvalidSplitError, match="training cohort of baseline: nobody; at least one training subject"):
        select_training_cohort(splits_of("validation", "test", "test", "test"), SUBJECTS, BASELINE)


def test_splits_of_other_subjects_are_refused():
    with pytest.raises(InvalidSplitError, match="1 subjects of the study are missing"):
        select_training_cohort(splits_of("train", "train", "test", "test")[:3], SUBJECTS, BASELINE)
