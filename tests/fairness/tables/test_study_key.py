"""Study keys name what differs."""

import pytest

from faircmr.core import StudyMismatchError
from faircmr.fairness.tables import compose_study_key
from faircmr.fairness.tables.by_subject import check_same_study

STUDY = {"training": "1a2b", "plans": "3c4d", "splits": "5e6f", "cohort": "7a8b"}


def test_a_key_lists_the_parts_by_name_whatever_their_order():
    assert compose_study_key(STUDY) == "cohort:7a8b plans:3c4d splits:5e6f training:1a2b"
    assert compose_study_key(dict(reversed(STUDY.items()))) == compose_study_key(STUDY)


def test_strategies_of_one_study_stand_in_one_table():
    check_same_study(dict.fromkeys(["baseline", "stratified", "balanced"], compose_study_key(STUDY)))
    check_same_study({})


def test_names_both_strategies_and_every_part_that_differs():
    other = compose_study_key({**STUDY, "training": "ffff", "splits": "0000"})

    with pytest.raises(StudyMismatchError, match="baseline and stratified: scored under different splits, training;"):
        check_same_study({"baseline": compose_study_key(STUDY), "stratified": other})


def test_a_part_that_one_study_lacks_differs():
    without_plans = compose_study_key({name: digest for name, digest in STUDY.items() if name != "plans"})

    with pytest.raises(StudyMismatchError, match="different plans"):
        check_same_study({"baseline": compose_study_key(STUDY), "stratified": without_plans})
