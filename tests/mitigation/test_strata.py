"""Strata have readable and distinct names."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError, InvalidParameterError
from faircmr.mitigation.sampling import strata

text = st.text(alphabet="AB |\\", max_size=4)
COHORT = pd.DataFrame(
    {"subject_id": ["a", "b", "c"], "protected_group": ["A", "A", "B"], "sex": ["F", "M", "F"], "centre": [1, 2, 2]}
)


def test_without_attributes_the_protected_group_is_the_stratum_as_it_is_written():
    cohort = COHORT.assign(protected_group=["A", "A", "B | C"])

    assert strata(cohort, ()) == {"a": "A", "b": "A", "c": "B | C"}


def test_attributes_form_intersections_with_the_group():
    assert strata(COHORT, ("sex",)) == {"a": "A | F", "b": "A | M", "c": "B | F"}
    assert strata(COHORT, ("sex", "centre")) == {"a": "A | F | 1", "b": "A | M | 2", "c": "B | F | 2"}


def test_an_attribute_named_twice_counts_once():
    assert strata(COHORT, ("sex", "sex")) == strata(COHORT, ("sex",))


@given(st.lists(st.tuples(text, text, text), min_size=2, max_size=6))
def test_different_intersections_have_different_names(people):
    cohort = pd.DataFrame(people, columns=["protected_group", "sex", "centre"])
    cohort.insert(0, "subject_id", [str(number) for number in range(len(people))])

    names = strata(cohort, ("sex", "centre"))

    assert len(set(names.values())) == len(set(people))


def test_a_subject_of_several_folds_is_in_one_stratum():
    folds = pd.concat([COHORT.assign(fold=0), COHORT.assign(fold=1)])

    assert strata(folds, ("sex",)) == strata(COHORT, ("sex",))


def test_missing_values_are_counted_by_subject_and_nobody_is_named():
    folds = pd.concat([COHORT.assign(fold=0), COHORT.assign(fold=1)])

    with pytest.raises(InvalidCohortError) as error:
        strata(folds.assign(sex=["F", None, "F"] * 2, subject_id=["sub-a", "sub-b", "sub-c"] * 2), ("sex",))

    assert str(error.value).startswith("attribute 'sex': missing for 1 of 3 subjects; ")
    assert "sub-" not in str(error.value)


def test_a_missing_group_is_an_error_too():
    with pytest.raises(InvalidCohortError, match="attribute 'protected_group': missing for 2 of 3 subjects"):
        strata(COHORT.assign(protected_group=["A", None, None]), ())


@pytest.mark.parametrize("name", ["sexx", "split", "protected_group"])
def test_names_the_nearest_attribute_of_a_name_that_is_none(name):
    with pytest.raises(
        InvalidParameterError,
        match=rf"within: '{name}'; .*: sex, centre; did you mean '\w+'\? If not, add",
    ):
        strata(COHORT.assign(split="train"), (name,))


def test_says_so_where_a_study_keeps_no_attribute():
    with pytest.raises(InvalidParameterError, match=r": none; add it to attributes\.covariates"):
        strata(COHORT[["subject_id", "protected_group"]], ("sex",))
