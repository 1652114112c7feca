"""Pairs are as alike as was asked, as many as there can be, and the difference is theirs."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from faircmr.core import InvalidParameterError
from faircmr.fairness.adjustment import Covariates
from faircmr.fairness.adjustment.matching import Matched, matched_difference
from tests.fairness.adjustment.cohorts import cohort, noise

SUBJECTS = cohort()
SCORES = noise(SUBJECTS)
ALIKE = Covariates(numeric=("age",), categorical=("sex", "centre"))


def match(subjects: pd.DataFrame, covariates: Covariates = ALIKE, group: str = "Black", **limits: float) -> Matched:
    return matched_difference(SCORES[subjects.index], subjects["group"], subjects, covariates, group, 1, **limits)


def line(members: list[float], others: list[float]) -> pd.DataFrame:
    """Subjects who differ in age alone."""
    index = SUBJECTS.index[: len(members) + len(others)]
    groups = ["in"] * len(members) + ["out"] * len(others)
    return pd.DataFrame({"group": groups, "age": [*members, *others]}, index=index)


def ages(subjects: pd.DataFrame, found: Matched) -> list[tuple[float, float]]:
    columns = (found.pairs[side].map(subjects["age"]) for side in ("member", "other"))
    return sorted(zip(*columns, strict=True))


def test_pairs_are_equal_in_kind_near_in_measure_and_used_once():
    found = match(SUBJECTS)
    member, other = (SUBJECTS.loc[found.pairs[side]].reset_index() for side in ("member", "other"))

    assert (member["group"] == "Black").all()
    assert (other["group"] != "Black").all()
    assert member[["sex", "centre"]].equals(other[["sex", "centre"]])
    assert ((member["age"] - other["age"]).abs() <= 0.5 * SUBJECTS["age"].std(ddof=0)).all()
    assert not pd.concat([member, other])["subject_id"].duplicated().any()
    assert len(member) + found.unmatched == 12


def test_is_the_paired_difference_with_the_interval_of_the_paired_t_test():
    found = match(SUBJECTS)
    reference = ttest_rel(SCORES[found.pairs["member"]], SCORES[found.pairs["other"]])
    low, high = reference.confidence_interval()

    expected = (SCORES[found.pairs["member"]].mean() - SCORES[found.pairs["other"]].mean(), low, high)
    assert (found.difference, found.low, found.high) == pytest.approx(expected)
    assert found.p == pytest.approx(reference.pvalue)


def test_takes_the_least_total_distance_and_not_the_nearest_first():
    subjects = line([50.0, 53.0], [52.0, 60.0])

    # the nearest first: 53 takes 52, and 50 is left with 60
    assert ages(subjects, match(subjects, Covariates(numeric=("age",)), "in", caliper=5)) == [(50, 52), (53, 60)]


def test_more_pairs_go_before_nearer_pairs():
    subjects = line([50.0, 51.0], [51.0, 54.0])

    # 51 with 51 would be nearer, and leave 50 without anybody
    found = match(subjects, Covariates(numeric=("age",)), "in", caliper=3.1 / np.std([50, 51, 51, 54]))

    assert ages(subjects, found) == [(50, 51), (51, 54)]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(40, 60), min_size=1, max_size=4), st.lists(st.integers(40, 60), min_size=4, max_size=5))
def test_no_other_assignment_is_better(members: list[int], others: list[int]):
    subjects = line([float(age) for age in members], [float(age) for age in others])
    spread = subjects["age"].std(ddof=0) or 1.0
    every = (
        [abs(a - b) / spread for a, b in zip(members, chosen, strict=True) if abs(a - b) / spread <= 1.0]
        for chosen in permutations(others, len(members))
    )
    best = min((-len(distances), sum(distances)) for distances in every)

    found = match(subjects, Covariates(numeric=("age",)), "in", caliper=1.0)

    assert (-len(found.pairs), found.pairs["distance"].sum()) == pytest.approx(best)


def test_makes_groups_alike_that_were_not():
    older = SUBJECTS.assign(age=SUBJECTS["age"] + 6 * (SUBJECTS["group"] == "Black"))

    balance = match(older).balance.set_index("covariate")

    assert balance.loc["age", "before"] > 0.5
    assert abs(balance.loc["age", "after"]) < 0.25
    assert balance.loc[["sex F", "sex M", "centre 11"], "after"].tolist() == [0.0, 0.0, 0.0]


def test_removes_a_difference_that_is_age():
    older = SUBJECTS.assign(age=SUBJECTS["age"] + 6 * (SUBJECTS["group"] == "Asian"))
    scores = noise(older, sd=0.005) - 0.004 * (older["age"] - 60)
    covariates = Covariates(numeric=("age",))

    found = matched_difference(scores, older["group"], older, covariates, "Asian", 1, caliper=0.2)

    own = older["group"] == "Asian"
    assert scores[own].mean() - scores[~own].mean() < -0.012
    assert found.low < 0 < found.high


def test_the_seed_chooses_among_equals_and_the_order_of_rows_does_not():
    alike = SUBJECTS.assign(age=60.0)
    covariates = Covariates(numeric=("age",))

    def others(subjects: pd.DataFrame, seed: int) -> list[str]:
        found = matched_difference(SCORES, subjects["group"], subjects, covariates, "Black", seed)
        return found.pairs["other"].tolist()

    assert others(alike, 1) == others(alike.sample(frac=1.0, random_state=3), 1)
    assert others(alike, 1) != others(alike, 2)


def test_nobody_alike_is_no_pair_and_no_number():
    apart = line([80.0, 90.0], [40.0, 41.0])

    found = match(apart, Covariates(numeric=("age",)), "in")

    assert found.pairs.empty
    assert found.unmatched == 2
    assert np.isnan([found.difference, found.low, found.high, found.p]).all()
    assert found.balance["after"].isna().all()


def test_one_pair_has_a_difference_and_no_interval():
    found = match(line([50.0], [50.0, 80.0]), Covariates(numeric=("age",)), "in")

    assert found.difference == SCORES.iloc[0] - SCORES.iloc[1]
    assert np.isnan([found.low, found.high, found.p]).all()


def test_a_larger_group_is_matched_as_far_as_the_rest_goes():
    found = match(SUBJECTS, Covariates(categorical=("sex",)), "White")

    assert len(found.pairs) + found.unmatched == 80
    assert len(found.pairs) == 36


@pytest.mark.parametrize(
    ("covariates", "group", "caliper", "message"),
    [
        (Covariates(), "Black", 0.5, "covariates: none; at least one to match on"),
        (ALIKE, "black", 0.5, "group: black; one of Asian, Black, White"),
        (ALIKE, "Black", 0.0, r"caliper: 0\.0; above 0"),
        (ALIKE, "Black", np.nan, "caliper: nan; above 0"),
    ],
)
def test_refuses_what_cannot_be_matched(covariates, group, caliper, message):
    with pytest.raises(InvalidParameterError, match=message):
        match(SUBJECTS, covariates, group, caliper=caliper)
