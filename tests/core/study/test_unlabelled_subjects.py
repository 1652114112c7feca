"""Nobody without a label is trained on, and everybody without one is predicted once."""

import pandas as pd
import pytest

from faircmr.core.study import SplitParameters, check_splits
from faircmr.core.study.division import split_cohort
from faircmr.core.study.splitting import split_subjects

IDS = [f"sub-{number:04d}" for number in range(1, 21)]
SUBJECTS = pd.DataFrame({"subject_id": IDS, "protected_group": ["A", "B"] * 10})
UNLABELLED = {"sub-0003", "sub-0004", "sub-0011"}
NOT_GIVEN = pd.DataFrame()


def scans(unlabelled):
    """Both phases; who has one label has enough of them."""
    rows = [(one, phase, one not in unlabelled and phase == "ED") for one in IDS for phase in ("ED", "ES")]
    return pd.DataFrame(rows, columns=["subject_id", "phase", "labelled"])


@pytest.mark.parametrize("method", ["random", "stratified", "kfold"])
def test_are_tested_once_and_the_others_divided_without_them(method):
    parameters = SplitParameters(method=method)

    splits = split_cohort(SUBJECTS, scans(UNLABELLED), parameters, NOT_GIVEN)

    check_splits(splits, SUBJECTS)
    of_unlabelled = splits[splits["subject_id"].isin(UNLABELLED)]
    assert of_unlabelled.loc[of_unlabelled["split"] == "test", "subject_id"].is_unique
    assert set(of_unlabelled["split"]) <= {"test", "unused"}
    assert len(of_unlabelled[of_unlabelled["split"] == "test"]) == len(UNLABELLED)
    labelled = SUBJECTS[~SUBJECTS["subject_id"].isin(UNLABELLED)]
    others = splits[~splits["subject_id"].isin(UNLABELLED)].reset_index(drop=True)
    assert others.equals(split_subjects(labelled, parameters, NOT_GIVEN))


@pytest.mark.parametrize("method", ["random", "stratified", "kfold"])
def test_change_nothing_where_there_are_none(method):
    parameters = SplitParameters(method=method)
    splits = split_cohort(SUBJECTS, scans(set()), parameters, NOT_GIVEN)
    assert splits.equals(split_subjects(SUBJECTS, parameters, NOT_GIVEN))


def test_are_taken_out_of_the_training_of_given_splits():
    given = pd.DataFrame({"subject_id": IDS, "split": ["train"] * 10 + ["validation"] * 5 + ["test"] * 5})

    splits = split_cohort(SUBJECTS, scans(UNLABELLED), SplitParameters(method="from_file"), given)

    assert set(splits.loc[splits["subject_id"].isin(UNLABELLED), "split"]) == {"test"}
    assert (splits["split"] == "train").sum() == 8


def test_are_tested_in_one_fold_of_given_folds():
    folds = [
        pd.DataFrame({"subject_id": IDS, "fold": 0, "split": ["test"] * 2 + ["train"] * 18}),
        pd.DataFrame({"subject_id": IDS, "fold": 1, "split": ["train"] * 3 + ["test"] * 2 + ["train"] * 15}),
    ]

    splits = split_cohort(SUBJECTS, scans(UNLABELLED), SplitParameters(method="from_file"), pd.concat(folds))

    check_splits(splits, SUBJECTS)
    where = splits[splits["split"] == "test"].groupby("subject_id")["fold"].agg(list)
    assert where["sub-0003"] == [0]
    assert where["sub-0004"] == [1]
    assert where["sub-0011"] == [0]
    assert not splits.loc[splits["subject_id"].isin(UNLABELLED), "split"].isin(["train", "validation"]).any()
