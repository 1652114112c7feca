"""Both equity-scaled Dice by hand and by the definitions of the authors' code, and what must hold for any scores."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScoresError
from faircmr.fairness.tables import equity_scaled_by_deviations, equity_scaled_by_sd

BOTH = (equity_scaled_by_sd, equity_scaled_by_deviations)
every_variant = pytest.mark.parametrize("variant", BOTH)
dice = st.floats(0.0, 1.0)
group_scores = st.lists(dice, min_size=2, max_size=12)


def test_by_hand():
    # SD of 0.8, 0.9, 1.0 is 0.1; they are 0.05, 0.05 and 0.15 away from 0.85
    assert equity_scaled_by_sd(0.85, [0.8, 0.9, 1.0]) == pytest.approx(0.85 / 1.1)
    assert equity_scaled_by_deviations(0.85, [0.8, 0.9, 1.0]) == pytest.approx(0.85 / 1.25)


@given(dice, group_scores)
def test_follows_the_definitions_of_fairseg(overall: float, groups: list[float]):
    """``equity_scaled_std_perf`` and ``equity_scaled_perf``, written down again in plain Python."""
    assert equity_scaled_by_sd(overall, groups) == pytest.approx(overall / (1 + statistics.stdev(groups)))
    assert equity_scaled_by_deviations(overall, groups) == pytest.approx(
        overall / (1 + sum(abs(group - overall) for group in groups))
    )


@every_variant
@given(overall=dice, groups=st.integers(2, 12))
def test_equal_groups_cost_nothing(variant, overall: float, groups: int):
    assert variant(overall, np.full(groups, overall)) == pytest.approx(overall, abs=1e-12)


@every_variant
@given(overall=dice, groups=group_scores)
def test_is_never_above_the_score_itself(variant, overall: float, groups: list[float]):
    assert 0.0 <= variant(overall, groups) <= overall


@every_variant
def test_takes_many_resamples_in_one_call(variant):
    rng = np.random.default_rng(0)
    overall, groups = rng.uniform(0.8, 1.0, (3, 50)), rng.uniform(0.8, 1.0, (3, 50, 6))

    one_by_one = [[variant(overall[i, j], groups[i, j]) for j in range(50)] for i in range(3)]
    assert variant(overall, groups) == pytest.approx(np.array(one_by_one))


@every_variant
@pytest.mark.parametrize(
    ("overall", "groups", "message"),
    [
        (91.0, [0.9, 0.8], r"overall: 91\.0; .*divide percentages by 100"),
        (0.91, [90.0, 80.0], r"group_scores: 90\.0; .*divide percentages by 100"),
        (np.nan, [0.9, 0.8], "overall: nan"),
        (0.9, [0.9], "at least two groups"),
    ],
    ids=["percent", "groups in percent", "NaN", "one group"],
)
def test_refuses_what_is_no_score_of_several_groups(variant, overall, groups, message):
    with pytest.raises(InvalidScoresError, match=message):
        variant(overall, groups)
