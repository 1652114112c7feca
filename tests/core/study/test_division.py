"""Subjects are divided, or the reason why not is an output like any other, until a study wants its splits."""

from __future__ import annotations

import logging

import pandas as pd
import pytest

from faircmr.core import InvalidParameterError, InvalidSplitError
from faircmr.core.study import UNUSED, CohortSelectionParameters, DivisionProblem, SplitParameters
from faircmr.core.study.division import Division, divide_cohort

NOT_GIVEN = pd.DataFrame({"subject_id": [], "split": []}, dtype="str")
SIZES = {"A": 10, "B": 3}
IDS = [f"sub-{number:04d}" for number in range(1, 14)]
SUBJECTS = pd.DataFrame(
    {"subject_id": IDS, "protected_group": [group for group, size in SIZES.items() for _ in range(size)]}
)
SCANS = pd.DataFrame(
    {"subject_id": IDS * 2, "phase": ["ED"] * 13 + ["ES"] * 13, "labelled": True, "structures": "LVBP LVM RVBP"}
)


def divide(given: pd.DataFrame = NOT_GIVEN, scans: pd.DataFrame = SCANS, **split: object) -> Division:
    return divide_cohort(SUBJECTS, scans, SplitParameters(**split), CohortSelectionParameters(), given)


def test_a_cohort_that_is_large_enough_is_divided_without_a_problem():
    division = divide(min_test_per_group=1)

    assert not division.problem.exists
    division.problem.check()
    assert set(division.splits["split"]) == {"train", "validation", "test"}
    assert division.splits["subject_id"].tolist() == IDS


OTHERS = pd.DataFrame({"subject_id": ["sub-0099"], "split": ["train"]})
PROBLEMS = {
    "stratified": ({"min_test_per_group": 5}, NOT_GIVEN, "protected group 'B'"),
    "validation": ({"min_validation_per_group": 9}, NOT_GIVEN, "protected group 'A'"),
    "kfold": ({"method": "kfold", "folds": 2, "min_validation_per_group": 4}, NOT_GIVEN, "protected group 'B'"),
    "no file": ({"method": "from_file"}, NOT_GIVEN, "missing or empty"),
    "a file of others": ({"method": "from_file"}, OTHERS, "13 subjects of the study are missing, 1 are unknown"),
}


@pytest.mark.parametrize(("split", "given", "said"), PROBLEMS.values(), ids=PROBLEMS)
def test_what_stands_in_the_way_is_kept_in_the_words_of_the_error(split: dict, given: pd.DataFrame, said: str):
    division = divide(given, **split)

    assert said in str(division.problem)
    assert set(division.splits["split"]) == {UNUSED}
    assert division.splits["subject_id"].tolist() == IDS
    # as a file of the study
    read = DivisionProblem.model_validate_json(division.problem.model_dump_json())
    with pytest.raises(InvalidSplitError) as error:
        read.check()
    assert str(error.value) == "; ".join((str(division.problem), division.problem.remedy))


def test_what_is_unlabelled_is_counted_once_also_where_nothing_can_be_divided(caplog: pytest.LogCaptureFixture):
    scans = SCANS.assign(labelled=SCANS["subject_id"] != "sub-0001")

    with caplog.at_level(logging.WARNING):
        division = divide(scans=scans, min_test_per_group=5)

    assert division.omissions["outcome"].tolist() == ["predicted, never trained on"]
    assert [record.getMessage() for record in caplog.records] == [
        "1 of 13 subjects are predicted, never trained on: no label"
    ]


def test_a_wrong_parameter_is_no_property_of_the_cohort():
    selection = CohortSelectionParameters(proportions={"Z": 0.5})

    with pytest.raises(InvalidParameterError, match="no protected group 'Z'"):
        divide_cohort(SUBJECTS, SCANS, SplitParameters(), selection, NOT_GIVEN)
