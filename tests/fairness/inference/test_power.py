"""Power against statsmodels where degrees of freedom agree, and against simulation where they are Welch's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind
from statsmodels.stats.power import TTestIndPower

from faircmr.core import InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference import smallest_detectable_gap
from faircmr.fairness.inference.verdict import power_against_rest

SIZES = [472, 18, 41, 24, 9, 26]


@pytest.mark.parametrize(("size", "gap", "alpha"), [(5, 1.0, 0.05), (30, 0.5, 0.01), (200, 0.2, 0.05)])
def test_is_that_of_statsmodels_for_two_groups_of_the_same_size_and_spread(size, gap, alpha):
    expected = TTestIndPower().power(effect_size=gap, nobs1=size, alpha=alpha)

    assert power_against_rest(2.5 * gap, [size, size], 2.5, alpha) == pytest.approx(expected)


def test_the_smallest_detectable_gap_is_that_of_statsmodels():
    expected = TTestIndPower().solve_power(nobs1=20, alpha=0.05, power=0.9)

    assert smallest_detectable_gap([20, 20], 1.0, power=0.9) == pytest.approx(expected)


@pytest.mark.parametrize("group", [1, 4])
def test_is_the_share_of_simulated_welch_tests_that_reject(group):
    sds = np.array([2.0, 3.0, 2.0, 2.0, 4.0, 2.0])
    gap = smallest_detectable_gap(SIZES, sds)[group]
    rng, members = np.random.default_rng(0), np.repeat(np.arange(6), SIZES)
    values = rng.standard_normal((2000, len(members))) * sds[members] + gap * (members == group)

    inside, outside = values[:, members == group], values[:, members != group]

    found = np.mean(ttest_ind(inside, outside, axis=1, equal_var=False).pvalue <= 0.05)
    assert found == pytest.approx(0.8, abs=0.03)


@settings(max_examples=40)
@given(
    st.lists(st.integers(2, 500), min_size=2, max_size=6),
    st.floats(0.1, 10.0),
    st.sampled_from([0.05, 0.01, 0.001]),
    st.floats(0.2, 0.95),
)
def test_the_smallest_detectable_gap_has_the_power_asked_for(sizes, sd, alpha, power):
    gap = smallest_detectable_gap(sizes, sd, alpha, power)

    assert power_against_rest(gap, sizes, sd, alpha) == pytest.approx(power, abs=1e-6)
    assert power_against_rest(-gap, sizes, sd, alpha) == pytest.approx(power, abs=1e-6)


def test_no_gap_is_found_at_the_level():
    assert power_against_rest(0.0, SIZES, 2.5, 0.05) == pytest.approx(0.05)


def test_a_smaller_group_or_a_stricter_level_needs_a_larger_gap():
    gaps = smallest_detectable_gap(SIZES, 2.5)

    assert np.argsort(gaps).tolist() == np.argsort(SIZES)[::-1].tolist()
    assert (smallest_detectable_gap(SIZES, 2.5, alpha=0.05 / 6) > gaps).all()


def test_strategies_have_spreads_of_their_own():
    sds = np.array([[2.0, 2.0, 2.0], [2.0, 4.0, 3.0]])

    found = smallest_detectable_gap([50, 20, 10], sds)

    for row, of_row in zip(found, sds, strict=True):
        assert row == pytest.approx(smallest_detectable_gap([50, 20, 10], of_row))


def test_a_group_of_one_has_no_power():
    assert np.isnan(smallest_detectable_gap([1, 20, 20], 1.0)).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("sizes", "sds", "options", "error", "message"),
    [
        ([20], 1.0, {}, InvalidScoresError, "sizes: .*at least two groups"),
        ([20, 0], 1.0, {}, InvalidScoresError, "sizes: .*each with subjects"),
        ([20, 20], [1.0, 0.0], {}, InvalidScoresError, "sds: .*above 0"),
        ([20, 20], [1.0, np.nan], {}, InvalidScoresError, "sds: .*above 0"),
        ([20, 20], 1.0, {"alpha": 0.0}, InvalidParameterError, "alpha: 0.0"),
        ([20, 20], 1.0, {"power": 0.05}, InvalidParameterError, "power: 0.05; above alpha"),
        ([20, 20], 1.0, {"power": 1.0}, InvalidParameterError, "power: 1.0; above alpha"),
    ],
)
def test_refuses_what_makes_no_test(sizes, sds, options, error, message):
    with pytest.raises(error, match=message):
        smallest_detectable_gap(sizes, sds, **options)
