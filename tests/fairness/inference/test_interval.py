"""Intervals are cut off at what is possible, and say what they hold."""

import numpy as np

from faircmr.fairness.inference import Interval

INTERVAL = Interval(np.array([-np.inf, 0.2]), np.array([0.5, 0.9]), np.array([np.inf, 1.1]))


def test_ends_are_cut_off_at_what_is_possible_and_estimates_stay():
    cut = INTERVAL.within(0.0, 1.0)

    assert (cut.low.tolist(), cut.estimate.tolist(), cut.high.tolist()) == ([0.0, 0.2], [0.5, 0.9], [1.0, 1.0])


def test_ends_belong_to_the_interval():
    assert INTERVAL.holds(0.2).tolist() == [True, True]
    assert INTERVAL.holds(np.array([7.0, 1.2])).tolist() == [True, False]
