"""Nobody is in two splits, and the splits divide exactly the subjects of the study."""

import pandas as pd
import pytest

from faircmr.core import InvalidSplitError
from faircmr.core.study import check_splits, folds_of, subjects_in
from faircmr.core.study.splitting import check_disjoint

SUBJECTS = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"]})
GOOD = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "split": ["train", "test"]})
FOLDS = pd.concat(
    [GOOD.assign(fold=0), GOOD.assign(split=["test", "train"], fold=1)],
    ignore_index=True,
)


def test_accepts_a_split_and_a_cross_validation():
    check_splits(GOOD, SUBJECTS)
    check_splits(FOLDS, SUBJECTS)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (pd.concat([GOOD, GOOD.assign(split="train")]), "2 subjects stand in two splits"),
        (pd.concat([FOLDS, FOLDS[:1]]), "1 subjects stand in two splits"),
        (GOOD.assign(split=["train", "testing"]), "1 rows name no split.*train, validation, test, unused"),
        (FOLDS.assign(split=["train", "test", "train", "test"]), "1 subjects are tested in two folds"),
    ],
    ids=["two splits", "twice in a fold", "unknown split", "tested twice"],
)
def test_refuses_somebody_in_two_places(splits, message):
    with pytest.raises(InvalidSplitError, match=message):
        check_disjoint(splits)


@pytest.mark.parametrize(
    ("splits", "message"),
    [
        (GOOD[:1], "1 subjects of the study are missing, 0 are unknown"),
        (GOOD.assign(subject_id=["sub-0001", "7234567"]), "1 subjects of the study are missing, 1 are unknown"),
        (FOLDS[:3], "1 subjects of the study are missing"),
    ],
    ids=["left out", "unknown", "left out of one fold"],
)
def test_refuses_splits_of_other_subjects_and_names_nobody(splits, message):
    with pytest.raises(InvalidSplitError, match=message) as error:
        check_splits(splits, SUBJECTS)
    assert "7234567" not in str(error.value)


def test_lists_the_subjects_of_one_part():
    assert subjects_in(GOOD, "train", None) == ("sub-0001",)
    assert subjects_in(FOLDS, "train", 1) == ("sub-0002",)


def test_lists_folds_or_none():
    assert folds_of(FOLDS) == (0, 1)
    assert folds_of(GOOD) == (None,)
