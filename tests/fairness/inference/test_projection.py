"""Least and greatest disparity in a region, against what is found by searching it."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from faircmr.core import InvalidScoresError
from faircmr.fairness.inference import Interval, gap_interval, may_be_worst, sd_interval, ser_interval, worst_interval
from faircmr.fairness.inference import bootstrap as projection
from faircmr.fairness.tables import disparity_sd, skewed_error_ratio

MEASURES = {
    sd_interval: disparity_sd,
    ser_interval: skewed_error_ratio,
    gap_interval: lambda means: np.ptp(means, axis=-1),
    worst_interval: lambda means: means.min(axis=-1),
}
ends = st.tuples(st.floats(0.0, 0.99), st.floats(0.0, 0.99)).map(sorted)
boxes = st.lists(ends, min_size=2, max_size=6).map(lambda pairs: box(*np.array(pairs).T))


def box(low, high):
    return Interval(np.array(low), (np.array(low) + high) / 2, np.array(high))


@pytest.mark.parametrize("project", MEASURES)
@given(region=boxes, seed=st.integers(0, 99))
def test_no_means_in_the_region_are_outside_of_the_interval(project, region, seed):
    places = np.random.default_rng(seed).choice([0.0, 0.1, 0.5, 1.0], size=(300, len(region.low)))
    inside = region.low + places * (region.high - region.low)

    found, reached = project(region), MEASURES[project](inside)

    assert found.low - 1e-9 <= reached.min()
    assert reached.max() <= found.high * (1 + 1e-9) + 1e-9


@pytest.mark.parametrize("project", [ser_interval, gap_interval, worst_interval])
@given(region=boxes)
def test_some_means_in_the_region_reach_the_ends(project, region):
    # the least of these three is at an end of the intervals, or where all groups meet
    meeting = np.clip(region.low.max(), region.low, region.high)
    nearest = np.clip(region.high.min(), region.low, region.high)
    corners = [np.where(at, region.high, region.low) for at in product((False, True), repeat=len(region.low))]

    found, reached = project(region), MEASURES[project](np.array([*corners, meeting, nearest]))

    assert [found.low, found.high] == pytest.approx([reached.min(), reached.max()], abs=1e-9)


@settings(max_examples=40)
@given(region=boxes)
def test_the_sd_reaches_its_ends(region):
    found = sd_interval(region)

    bounds = list(zip(region.low, region.high, strict=True))
    # any optimiser will do: the problem is convex
    least = minimize(lambda means: 100 * means.var(ddof=1), region.estimate, bounds=bounds, tol=1e-14)
    corners = [np.where(at, region.high, region.low) for at in product((False, True), repeat=len(region.low))]
    assert found.low == pytest.approx(np.sqrt(least.fun / 100), abs=2e-4)
    assert found.high == pytest.approx(max(corner.std(ddof=1) for corner in corners))


def test_equal_groups_are_possible_where_all_intervals_meet():
    region = box([0.80, 0.70, 0.85], [0.90, 0.95, 0.99])

    assert sd_interval(region).low == 0.0
    assert gap_interval(region).low == 0.0
    assert ser_interval(region).low == 1.0
    assert may_be_worst(region).all()


def test_by_hand():
    # the third group is 0.2 below the others at least; the two others meet it half-way at their ends
    region = box([0.8, 0.9, 0.5], [0.9, 0.95, 0.6])

    sd, ser, gap, worst = (project(region) for project in MEASURES)

    assert (sd.low, sd.high) == pytest.approx((np.std([0.8, 0.9, 0.6], ddof=1), np.std([0.9, 0.95, 0.5], ddof=1)))
    assert (ser.low, ser.high) == pytest.approx((0.4 / 0.1, 0.5 / 0.05))
    assert (gap.low, gap.high) == pytest.approx((0.3, 0.45))
    assert (worst.low, worst.high) == pytest.approx((0.5, 0.6))
    assert may_be_worst(region).tolist() == [False, False, True]
    assert [one.estimate for one in (sd, ser, gap, worst)] == pytest.approx(
        [np.std([0.85, 0.925, 0.55], ddof=1), 0.45 / 0.075, 0.375, 0.55]
    )


def test_one_wide_interval_is_not_uneven_with_itself():
    region = box([0.2, 0.80], [0.9, 0.81])

    assert gap_interval(region).high == pytest.approx(0.61)
    assert ser_interval(region).high == pytest.approx(0.8 / 0.19)


def test_a_group_of_which_nothing_is_known_may_have_any_dice():
    region = Interval(np.array([-np.inf, 0.8]), np.array([0.5, 0.85]), np.array([np.inf, 0.9]))

    assert (gap_interval(region).low, gap_interval(region).high) == pytest.approx((0.0, 0.9))
    assert (ser_interval(region).low, ser_interval(region).high) == (1.0, np.inf)
    assert sd_interval(region).high == pytest.approx(0.9 / np.sqrt(2))


def test_perfect_groups_are_even():
    region = box([1.0, 1.0], [1.0, 1.0])

    assert (ser_interval(region).low, ser_interval(region).high) == (1.0, 1.0)


@given(region=boxes)
def test_many_groups_have_an_upper_end_that_is_never_too_small(region):
    exact = sd_interval(region).high
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(projection, "ENUMERATED", 0)
        bounded = sd_interval(region).high

    widths = region.high - region.low
    assert exact - 1e-9 <= bounded
    # no group's end changes the squares by more than this part of its width
    assert bounded <= exact + np.sqrt((widths**2).sum() / (len(widths) - 1)) + 1e-9


def test_twenty_groups_are_no_more_work_than_six():
    low = np.linspace(0.7, 0.8, 20)

    found = sd_interval(box(low, low + 0.05))

    assert found.low < disparity_sd(low) < found.high < 0.06


def test_strategies_are_projected_one_by_one():
    low, high = np.array([[0.80, 0.70, 0.85], [0.80, 0.90, 0.50]]), np.array([[0.90, 0.95, 0.99], [0.90, 0.95, 0.60]])

    for project in MEASURES:
        both = project(box(low, high))
        for number in range(2):
            one = project(box(low[number], high[number]))
            np.testing.assert_allclose([both.low[number], both.high[number]], [one.low, one.high])


def test_refuses_estimates_in_percent():
    with pytest.raises(InvalidScoresError, match="divide percentages by 100"):
        sd_interval(box([80.0, 70.0], [90.0, 75.0]))
