"""Effect sizes against pingouin and by counting pairs."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference import Groups, hedges_g, probability_of_superiority

GROUPS = Groups(("a", "b", "c"), np.repeat([0, 1, 2], [12, 7, 5]))
VALUES = np.random.default_rng(0).gamma(2.0, size=(2, 24))
BOTH = [hedges_g, probability_of_superiority]


def sides(group, row=1):
    return VALUES[row, GROUPS.codes == group], VALUES[row, GROUPS.codes != group]


@pytest.mark.parametrize("group", range(3))
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_hedges_g_is_pingouin_s_with_its_interval(group, alpha):
    from pingouin import compute_effsize, compute_esci

    inside, outside = sides(group)
    expected = compute_effsize(inside, outside, eftype="hedges")
    interval = compute_esci(expected, len(inside), len(outside), eftype="hedges", confidence=1 - alpha, decimals=9)

    found = hedges_g(VALUES, GROUPS, alpha)

    assert found.estimates[1, group] == pytest.approx(expected)
    assert (found.low[1, group], found.high[1, group]) == pytest.approx(tuple(interval), abs=1e-8)


@given(st.lists(st.integers(0, 5), min_size=24, max_size=24))
def test_the_probability_of_superiority_counts_pairs_and_half_of_the_ties(scores):
    values = np.array(scores, dtype=float)
    inside, outside = values[:12], values[12:]
    larger = inside[:, np.newaxis] > outside
    tied = inside[:, np.newaxis] == outside

    found = probability_of_superiority(values, GROUPS)

    assert found.estimates[0] == pytest.approx(np.mean(larger + 0.5 * tied))


def test_an_interval_holds_what_a_normal_model_says_19_times_of_20():
    rng = np.random.default_rng(0)
    groups = Groups(("a", "b"), np.repeat([0, 1], [20, 60]))
    values = rng.standard_normal((400, 80)) + 0.8 * (groups.codes == 0)

    found, chance = hedges_g(values, groups), probability_of_superiority(values, groups)

    assert np.mean((found.low[:, 0] < 0.8) & (found.high[:, 0] > 0.8)) == pytest.approx(0.95, abs=0.03)
    truth = 0.7142  # Phi(0.8 / sqrt(2))
    assert np.mean((chance.low[:, 0] < truth) & (chance.high[:, 0] > truth)) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("effect", BOTH)
def test_the_unit_of_the_scores_does_not_matter(effect):
    found, percent = effect(VALUES, GROUPS), effect(100 * VALUES + 7, GROUPS)

    assert percent.estimates == pytest.approx(found.estimates)
    assert percent.low == pytest.approx(found.low)


@pytest.mark.parametrize(("effect", "even"), [(hedges_g, 0.0), (probability_of_superiority, 0.5)])
def test_equal_scores_have_no_effect(effect, even):
    assert effect(np.full(24, 0.9), GROUPS).estimates == pytest.approx([even] * 3)


def test_a_group_wholly_above_the_rest_is_superior_for_sure_by_an_unknown_margin():
    found = probability_of_superiority(VALUES[0] + 100 * (GROUPS.codes == 0), GROUPS)

    assert found.estimates[0] == 1.0
    assert np.isnan([found.low[0], found.high[0]]).all()


@pytest.mark.parametrize("effect", BOTH)
def test_a_group_of_one_has_no_interval(effect):
    found = effect(VALUES, Groups(("a", "one"), np.repeat([0, 1], [23, 1])))

    assert np.isnan(found.low).all()
    assert np.isnan(found.high).all()


@pytest.mark.parametrize("effect", BOTH)
def test_refuses_a_level_or_scores_that_are_none(effect):
    with pytest.raises(InvalidParameterError, match=r"alpha: 1\.5"):
        effect(VALUES, GROUPS, 1.5)
    with pytest.raises(InvalidScoresError, match="scores: 24 not finite"):
        effect(np.full(24, np.inf), GROUPS)


@pytest.mark.parametrize("spread", [0.0, 1e-200])
def test_without_any_spread_a_difference_is_infinite_and_has_no_interval(spread):
    groups = Groups(("a", "b"), np.repeat([0, 1], 12))
    values = np.repeat([0.0, 1.0], 12) + spread

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = hedges_g(values, groups)
        chance = probability_of_superiority(values, groups)

    assert found.estimates.tolist() == [-np.inf, np.inf]
    assert np.isnan([*found.low, *found.high]).all()
    assert chance.estimates.tolist() == [0.0, 1.0]


@pytest.mark.parametrize("flat", [0, 1])
def test_one_side_without_spread_has_a_size_and_an_interval(flat):
    groups = Groups(("a", "b"), np.repeat([0, 1], 12))
    values = np.where(groups.codes == flat, 0.5, np.linspace(0.6, 0.9, 24))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = hedges_g(values, groups)

    assert np.isfinite([*found.estimates, *found.low, *found.high]).all()
