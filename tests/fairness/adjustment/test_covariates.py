"""Which subjects an analysis is of: those who are complete, counted and never imputed."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from faircmr.core import InvalidCohortError, InvalidParameterError, InvalidScoresError
from faircmr.fairness.adjustment import Covariates, Sample, sample_of
from tests.fairness.adjustment.cohorts import cohort, noise

SUBJECTS = cohort()
SCORES = noise(SUBJECTS)
ALL = Covariates(numeric=("age",), categorical=("sex", "centre"), mediators=("lv_volume",))


def sample(subjects: pd.DataFrame, scores: pd.Series = SCORES, covariates: Covariates = ALL) -> Sample:
    return sample_of(scores, subjects["group"], subjects, covariates, fewest=3)


def test_everybody_who_is_complete_is_in():
    found = sample(SUBJECTS)

    assert found.left_out == 0
    assert found.exclusions.empty
    assert found.groups.sizes.tolist() == [24, 12, 80]
    assert [str(kind) for kind in found.covariates.dtypes] == ["float64", "float64", "str", "str"]


def test_missing_covariates_are_counted_each_and_subjects_once():
    spoilt = SUBJECTS.copy()
    spoilt.iloc[:5, spoilt.columns.get_loc("age")] = np.nan
    spoilt.iloc[3:6, spoilt.columns.get_loc("sex")] = None
    spoilt.iloc[110, spoilt.columns.get_loc("group")] = None

    found = sample(spoilt)

    assert found.left_out == 7
    assert len(found.scores) == len(SUBJECTS) - 7
    assert found.exclusions.set_index("name")["subjects"].to_dict() == {"group": 1, "age": 5, "sex": 3}


def test_a_group_that_becomes_too_small_is_left_out_and_named():
    spoilt = SUBJECTS.copy()
    spoilt.loc[spoilt.index[spoilt["group"] == "Black"][:10], "age"] = np.nan

    found = sample(spoilt)

    assert found.groups.names == ("Asian", "White")
    assert found.exclusions.iloc[-1].tolist() == ["group", "Black", "fewer than 3 subjects", 2]
    assert found.left_out == 12


def test_the_order_of_rows_does_not_matter():
    shuffled = SUBJECTS.sample(frac=1.0, random_state=1)

    found = sample_of(SCORES, shuffled["group"], SUBJECTS, ALL, fewest=3)

    pd.testing.assert_series_equal(found.scores, sample(SUBJECTS).scores)
    assert found.groups.codes.tolist() == sample(SUBJECTS).groups.codes.tolist()


def test_numbers_are_numeric_unless_they_are_declared_to_be_kinds():
    found = Covariates.by_type(SUBJECTS.assign(smoker=True), ["age", "sex", "centre", "smoker"])

    assert found == Covariates(numeric=("age", "centre"), categorical=("sex", "smoker"))


def test_a_covariate_is_of_one_kind():
    with pytest.raises(ValidationError, match="each name once"):
        Covariates(numeric=("age",), mediators=("age",))


@pytest.mark.parametrize(
    ("subjects", "covariates", "message"),
    [
        (SUBJECTS, Covariates(numeric=("weight",)), "covariates: weight; one of group, age"),
        (SUBJECTS, Covariates(numeric=("sex",)), "sex with 116 values that are no finite numbers"),
        (SUBJECTS, Covariates(categorical=("age",)), "age with 116 values; at most 30 categories; name it among num"),
    ],
    ids=["unknown", "text as number", "measurement as kind"],
)
def test_refuses_covariates_that_are_not_what_they_were_declared_as(subjects, covariates, message):
    with pytest.raises(InvalidParameterError, match=message):
        sample(subjects, covariates=covariates)


@pytest.mark.parametrize(
    ("subjects", "scores", "error", "message"),
    [
        (SUBJECTS, 100 * SCORES, InvalidScoresError, "116 of 116 missing or outside.*divide percentages by 100"),
        (SUBJECTS, SCORES.mask(SCORES.rank() <= 58), InvalidScoresError, "58 of 116 missing"),
        (SUBJECTS.iloc[1:], SCORES, InvalidCohortError, "0 subjects repeated, 1 not in both"),
        (pd.concat([SUBJECTS, SUBJECTS.head(2)]), SCORES, InvalidCohortError, "2 subjects repeated, 0 not"),
        (SUBJECTS.assign(group="White"), SCORES, InvalidScoresError, "groups: White; at least two groups"),
    ],
    ids=["percent", "NaN", "one fewer", "repeated", "one group"],
)
def test_refuses_tables_that_do_not_fit(subjects, scores, error, message):
    with pytest.raises(error, match=message) as raised:
        sample(subjects, scores)
    assert "sub-" not in str(raised.value)


@pytest.mark.parametrize("kind", ["numeric", "mediators"])
def test_a_number_with_a_comma_for_a_point_is_no_number(kind: str):
    spoilt = SUBJECTS.assign(age=SUBJECTS["age"].map(lambda age: f"{age:.1f}".replace(".", ",")))

    with pytest.raises(InvalidParameterError, match="age with commas in its numbers; points in decimals"):
        sample(spoilt, covariates=Covariates(**{kind: ("age",)}))
    with pytest.raises(InvalidParameterError, match="age with commas in its numbers; points in decimals"):
        Covariates.by_type(spoilt, ["age"])


def test_codes_that_are_declared_as_kinds_may_hold_a_comma():
    coded = SUBJECTS.assign(centre="1,2")

    assert set(sample(coded, covariates=Covariates(categorical=("centre",))).covariates["centre"]) == {"1,2"}
