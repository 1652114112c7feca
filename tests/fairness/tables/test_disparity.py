"""Disparity measures by hand, and what must hold for any scores; published values: ``test_published_tables``."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScoresError
from faircmr.fairness.tables import disparity_sd, skewed_error_ratio

scores = st.lists(st.floats(0.0, 0.999), min_size=2, max_size=12).map(np.array)


def test_sd_divides_by_one_less_than_the_number_of_groups():
    assert disparity_sd([0.8, 0.9, 1.0]) == pytest.approx(0.1)


def test_ser_is_the_largest_over_the_smallest_error():
    assert skewed_error_ratio([0.8, 0.9, 0.95]) == pytest.approx(4.0)


@given(scores)
def test_does_not_depend_on_the_order_of_groups(group_scores):
    assert disparity_sd(group_scores[::-1]) == pytest.approx(disparity_sd(group_scores), abs=1e-12)
    assert skewed_error_ratio(group_scores[::-1]) == skewed_error_ratio(group_scores)


@given(scores)
def test_is_never_below_that_of_equal_groups(group_scores):
    assert disparity_sd(group_scores) >= 0.0
    assert skewed_error_ratio(group_scores) >= 1.0


@given(st.floats(0.0, 1.0), st.integers(2, 12))
def test_equal_groups_have_no_disparity(score, groups):
    even = np.full(groups, score)

    assert disparity_sd(even) == pytest.approx(0.0, abs=1e-12)
    assert skewed_error_ratio(even) == 1.0


@given(scores, st.floats(0.1, 1.0))
def test_ser_does_not_see_all_errors_shrink_alike_and_sd_shrinks_with_them(group_scores, factor):
    shrunk = 1.0 - factor * (1.0 - group_scores)

    assert skewed_error_ratio(shrunk) == pytest.approx(skewed_error_ratio(group_scores), rel=1e-6)
    assert disparity_sd(shrunk) == pytest.approx(factor * disparity_sd(group_scores), abs=1e-9)


def test_ser_is_infinite_where_one_group_alone_is_perfect():
    assert skewed_error_ratio([1.0, 0.9]) == np.inf


def test_takes_many_resamples_in_one_call():
    resamples = np.random.default_rng(0).uniform(0.8, 1.0, size=(3, 50, 6))

    for measure in (disparity_sd, skewed_error_ratio):
        one_by_one = [[measure(group_scores) for group_scores in strategy] for strategy in resamples]
        assert measure(resamples) == pytest.approx(np.array(one_by_one))


@pytest.mark.parametrize("measure", [disparity_sd, skewed_error_ratio])
@pytest.mark.parametrize(
    ("group_scores", "message"),
    [
        ([93.5, 84.5], r"group_scores: 93\.5; .*divide percentages by 100"),
        ([0.9, np.nan], "group_scores: nan"),
        ([0.9, -0.1], r"group_scores: -0\.1"),
        ([0.9], r"group_scores: \(1,\); at least two groups"),
        (0.9, r"group_scores: \(\); at least two groups"),
    ],
    ids=["percentages", "NaN", "negative", "one group", "a single number"],
)
def test_refuses_what_is_no_score_of_several_groups(measure, group_scores, message):
    with pytest.raises(InvalidScoresError, match=message):
        measure(group_scores)
