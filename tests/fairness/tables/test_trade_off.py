"""The front of mean and disparity is who nobody beats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScoresError
from faircmr.fairness.tables import pareto_front

coarse = st.integers(0, 3).map(float)


def test_a_front_by_hand():
    assert pareto_front([90, 91, 92, 91], [1.0, 2.0, 3.0, 2.5]).tolist() == [True, True, True, False]


def test_equal_strategies_stand_or_fall_together():
    assert pareto_front([90, 90, 89, 89], [1.0, 1.0, 2.0, 2.0]).tolist() == [True, True, False, False]


@given(st.lists(st.tuples(coarse, coarse), min_size=1, max_size=12))
def test_the_front_is_who_nobody_beats(points: list[tuple[float, float]]):
    beaten = [
        any(m >= mean and d <= disparity and (m, d) != (mean, disparity) for m, d in points)
        for mean, disparity in points
    ]

    front = pareto_front(*np.transpose(points))

    assert front.tolist() == [not one for one in beaten]
    assert front.any()


@pytest.mark.parametrize(
    ("mean", "disparity", "message"),
    [([90, 91], [1], "one value a strategy"), ([90, np.nan], [1, 2], "missing for a strategy")],
)
def test_a_front_needs_both_numbers_of_every_strategy(mean, disparity, message):
    with pytest.raises(InvalidScoresError, match=message):
        pareto_front(mean, disparity)
