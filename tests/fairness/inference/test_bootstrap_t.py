"""Bootstrap-t against a published interval and all resamples there are, and what it says of the smallest groups."""

from itertools import product

import numpy as np
import pytest

from faircmr.core import InvalidParameterError
from faircmr.fairness.inference import Groups
from faircmr.fairness.inference.bootstrap import THESE_MODELS, bootstrap_t

MICE = [52.0, 104.0, 146.0, 10.0, 50.0, 31.0, 40.0, 27.0, 46.0]
"""Control group of the mouse data, Efron and Tibshirani 1993, table 2.1."""
FIVE = [0.91, 0.85, 0.88, 0.35, 0.80]


def test_agrees_with_the_interval_in_the_textbook():
    both = Groups.of(["mice"] * 9 + ["others"] * 5)

    found = bootstrap_t([*MICE, *FIVE], both, draws=50_000, seed=1).groups.interval(0.90)

    # Efron and Tibshirani 1993, section 12.5: 35.82 to 116.74 from 1,000 draws
    assert found.estimate[0] == pytest.approx(56.22, abs=0.005)
    assert found.low[0] == pytest.approx(35.82, abs=1.0)
    assert found.high[0] == pytest.approx(116.74, abs=5.0)


def test_agrees_with_all_resamples_there_are():
    # 3,125 resamples of five; one of five equal numbers has an infinite t
    every = np.array(list(product(FIVE, repeat=5)))
    mean, error = np.mean(FIVE), np.std(FIVE, ddof=1) / np.sqrt(5)
    errors = np.where(np.ptp(every, axis=1) == 0, 0.0, every.std(axis=1, ddof=1) / np.sqrt(5))
    with np.errstate(divide="ignore"):
        t = np.sort((every.mean(axis=1) - mean) / errors)

    found = bootstrap_t([*FIVE, *MICE], Groups.of(["a"] * 5 + ["b"] * 9), draws=50_000, seed=1).groups.interval(0.8)

    # between the quantiles of t at 0.1 -+ 0.005 (Monte-Carlo error 0.0013), and at 0.9
    ends = [mean - error * t[round(at * len(t))] for at in (0.905, 0.895, 0.105, 0.095)]
    assert ends[0] <= found.low[0] <= ends[1]
    assert ends[2] <= found.high[0] <= ends[3]


def test_is_longer_on_the_side_of_the_tail():
    found = bootstrap_t([*FIVE, *MICE], Groups.of(["a"] * 5 + ["b"] * 9), draws=2_000, seed=1).groups.interval(0.9)

    assert found.estimate[0] - found.low[0] > 2 * (found.high[0] - found.estimate[0])


def test_moves_and_scales_with_the_scores():
    groups = Groups.of(["a"] * 5 + ["b"] * 9)
    scores = np.array([*FIVE, *MICE])

    plain, moved = (bootstrap_t(values, groups, 500, 1).groups.interval(0.9) for values in (scores, 100 * scores - 7))

    np.testing.assert_allclose([moved.low, moved.high], 100 * np.array([plain.low, plain.high]) - 7, rtol=1e-6)


def test_strategies_share_draws_so_that_a_change_common_to_all_subjects_has_no_width():
    groups = Groups.of([*"aaaaabbbbb"])
    before = np.random.default_rng(1).uniform(0.5, 0.9, 10)

    results = bootstrap_t([before, before + 0.05, np.full(10, 0.05)], groups, 500, 1).groups.interval(0.9)

    np.testing.assert_allclose(results.low[1] - results.low[0], 0.05)
    assert results.low[2].tolist() == results.high[2].tolist() == [0.05, 0.05]


def test_a_group_of_one_or_two_bounds_nothing_and_equal_scores_give_a_point():
    result = bootstrap_t([0.5, 0.5, 0.9, 0.7, 0.7, 0.7], Groups.of([*"abbccc"]), draws=1_000, seed=1)

    interval = result.groups.interval()

    assert interval.low.tolist() == [-np.inf, -np.inf, pytest.approx(0.7)]
    assert interval.high.tolist() == [np.inf, np.inf, pytest.approx(0.7)]
    assert result.mean_of_groups.interval().low == -np.inf


@pytest.mark.parametrize(("size", "bounded", "bounded_at_once"), [(3, False, False), (4, True, False), (5, True, True)])
def test_the_smallest_groups_that_bound_a_mean(size, bounded, bounded_at_once):
    groups = Groups.of(list(np.repeat([*"abcdef"], [size, 9, 9, 9, 9, 9])))
    result = bootstrap_t(np.random.default_rng(1).normal(size=size + 45), groups, 5_000, 1)

    for interval, expected in ((result.groups.interval(), bounded), (result.region(), bounded_at_once)):
        assert bool(np.isfinite([interval.low[0], interval.high[0]]).all()) is expected


def test_the_mean_of_groups_weighs_them_alike():
    groups = Groups.of(["a"] * 5 + ["b"] * 9)
    result = bootstrap_t([*FIVE, *np.divide(MICE, 200)], groups, 2_000, 1)

    errors = result.groups.observed.standard_errors
    assert result.mean_of_groups.observed.values == pytest.approx((np.mean(FIVE) + np.mean(MICE) / 200) / 2)
    assert result.mean_of_groups.observed.standard_errors == pytest.approx(np.hypot(*errors) / 2)
    drawn = result.groups.resampled
    np.testing.assert_allclose(result.mean_of_groups.resampled.values, drawn.values.mean(axis=1))


def test_the_region_holds_all_groups_at_once():
    groups = Groups.of(list(np.repeat([*"abcdef"], [40, 12, 15, 10, 20, 30])))
    tables = np.random.default_rng(1).normal(size=(600, 127))

    result = bootstrap_t(tables, groups, 800, 1)
    at_once, each = (
        interval.holds(0.0).all(axis=-1).mean() for interval in (result.region(), result.groups.interval())
    )

    # Monte-Carlo error 0.9 and 1.8 points
    assert at_once == pytest.approx(0.95, abs=0.03)
    assert each == pytest.approx(0.95**6, abs=0.06)


def test_says_that_the_models_are_given():
    assert (
        bootstrap_t(FIVE, Groups.of([*"aabbb"]), 100, 1).scope == THESE_MODELS == "conditional on these trained models"
    )


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_refuses_a_confidence_in_percent(confidence):
    with pytest.raises(InvalidParameterError, match=r"confidence: .*above 0 and below 1"):
        bootstrap_t(FIVE, Groups.of([*"aabbb"]), 100, 1).groups.interval(confidence)


def test_says_how_many_draws_a_region_needs():
    result = bootstrap_t(FIVE, Groups.of([*"aabbb"]), 50, 1)

    with pytest.raises(InvalidParameterError, match=r"draws: 50; at least 79 at confidence 0\.9747"):
        result.region(0.95)
