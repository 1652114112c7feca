"""What a strategy did to each group is seen, whoever is the worst before and after."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.fairness.inference import Groups, Interval, change_of_worst
from faircmr.fairness.inference.bootstrap import bootstrap_t

GROUPS = Groups.of(list(np.repeat([*"abc"], [60, 15, 20])))


def test_a_group_that_is_levelled_down_is_found_although_the_sd_falls():
    random = np.random.default_rng(1)
    baseline = np.array([0.92, 0.84, 0.85])[GROUPS.codes] + random.normal(0, 0.04, 95)
    levelled = baseline - np.array([0.07, 0.0, 0.0])[GROUPS.codes] + random.normal(0, 0.01, 95)

    changes = bootstrap_t(np.subtract([baseline, levelled], baseline), GROUPS, 2_000, 1).region()

    assert changes.high[1, 0] < -0.06
    assert (changes.low[1, 1:] < 0).all()
    assert (changes.high[1, 1:] > 0).all()
    assert changes.low[0].tolist() == changes.high[0].tolist() == [0.0, 0.0, 0.0]


means = st.lists(st.floats(0.0, 1.0), min_size=4, max_size=4).map(np.array)


@given(before=means, change=st.lists(st.floats(-0.5, 0.5), min_size=4, max_size=4).map(np.array))
def test_the_worst_mean_changes_by_no_more_than_some_group_does(before, change):
    found = change_of_worst(before, Interval(change, change, change))

    assert found.estimate == (before + change).min() - before.min()
    assert found.low - 1e-12 <= found.estimate <= found.high + 1e-12


def test_the_change_of_the_worst_is_read_from_the_region():
    region = Interval(
        np.array([[-0.02, 0.01], [-0.10, -0.05]]),
        np.array([[0.00, 0.03], [-0.05, 0.02]]),
        np.array([[0.02, 0.05], [0.01, 0.09]]),
    )

    found = change_of_worst([0.90, 0.80], region)

    assert (found.low.tolist(), found.high.tolist()) == ([-0.02, -0.10], [0.05, 0.09])
    assert found.estimate.tolist() == pytest.approx([0.03, 0.02])
