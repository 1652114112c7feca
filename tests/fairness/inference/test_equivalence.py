"""Equivalence against scipy's enumeration of the shifted null, and its error at the border."""

import numpy as np
import pytest
from scipy.stats import permutation_test, ttest_ind

from faircmr.core import InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference import Groups, equivalence_tests
from faircmr.fairness.inference import permutation as randomisation

SMALL = Groups(("a", "b"), np.repeat([0, 1], [4, 6]))
THREE = Groups(("a", "b", "c"), np.repeat([0, 1, 2], [30, 12, 9]))


def skewed(shape, seed=0):
    return 0.9 - 0.01 * np.random.default_rng(seed).gamma(0.25, size=shape)


def test_each_side_is_scipy_s_enumeration_of_the_scores_moved_by_the_margin():
    values, margin = skewed(10, seed=2), 0.002

    def exact(shift, alternative):
        return permutation_test(
            (values[:4] + shift, values[4:]),
            lambda first, second, axis: ttest_ind(first, second, axis=axis, equal_var=False).statistic,
            vectorized=True,
            n_resamples=np.inf,
            alternative=alternative,
        ).pvalue

    found = equivalence_tests(values, SMALL, 20_000, seed=1, margin=margin)

    assert found.below[0] == pytest.approx(exact(margin, "greater"), abs=0.015)
    assert found.above[0] == pytest.approx(exact(-margin, "less"), abs=0.015)
    assert found.p_values[0] == max(found.below[0], found.above[0])
    assert found.differences[0] == pytest.approx(values[:4].mean() - values[4:].mean())


def test_of_two_groups_each_is_the_other_s_mirror():
    found = equivalence_tests(skewed(10), SMALL, 20_000, seed=1, margin=0.002)

    assert found.below[0] == pytest.approx(found.above[1], abs=0.02)
    assert found.above[0] == pytest.approx(found.below[1], abs=0.02)


@pytest.mark.parametrize("sign", [-1.0, 1.0], ids=["worse", "better"])
@pytest.mark.parametrize("group", [1, 2])
def test_errs_at_most_at_its_level_where_the_difference_is_the_margin(group, sign):
    values = skewed((1000, 51)) + sign * 0.05 * (THREE.codes == group)  # ten SD: only one border matters

    found = equivalence_tests(values, THREE, 199, seed=3, margin=0.05)

    assert np.mean(found.p_values[:, group] <= 0.05) == pytest.approx(0.05, abs=0.02)


def test_large_groups_that_differ_by_little_are_equivalent_and_small_ones_are_not_told():
    values = 0.9 + 0.03 * np.random.default_rng(0).standard_normal(1209)
    groups = Groups(("a", "b", "small"), np.repeat([0, 1, 2], [600, 600, 9]))

    found = equivalence_tests(values, groups, 999, seed=1)

    assert (found.p_values <= 0.05).tolist() == [True, True, False]
    assert found.all_groups == found.p_values[2]


def test_a_wider_margin_is_easier_to_keep():
    values = skewed((20, 51))
    margins = [0.001, 0.003, 0.01, 0.1]

    found = [equivalence_tests(values, THREE, 499, seed=1, margin=margin).p_values for margin in margins]

    # the draws are the same, but a shift changes all of them: not to the last digit
    assert (np.diff(found, axis=0) <= 0.01).all()
    assert (found[-1] <= 0.05).all()


def test_neither_chunks_nor_other_strategies_change_a_strategy_s_result(monkeypatch):
    values = skewed((2, 2, 51))
    whole = equivalence_tests(values, THREE, 200, seed=7)

    monkeypatch.setattr(randomisation, "LARGEST_ARRAY", 8 * 153 * 17)

    assert np.array_equal(whole.p_values, equivalence_tests(values, THREE, 200, seed=7).p_values)
    assert np.array_equal(whole.p_values[1, 0], equivalence_tests(values[1, 0], THREE, 200, seed=7).p_values)


def test_equal_scores_are_equivalent():
    found = equivalence_tests(np.full(51, 0.9), THREE, 199, seed=1)

    assert found.p_values == pytest.approx(1 / 200)


def test_a_group_of_one_is_not_tested_and_all_groups_are_not_told():
    groups = Groups(("a", "b", "one"), np.repeat([0, 1, 2], [30, 20, 1]))

    found = equivalence_tests(skewed(51), groups, 99, seed=1)

    assert np.isnan(found.p_values).tolist() == [False, False, True]
    assert np.isnan(found.all_groups)


@pytest.mark.parametrize("margin", [0.0, -0.01, np.nan])
def test_refuses_a_margin_that_is_none(margin):
    with pytest.raises(InvalidParameterError, match=r"margin: .*above 0.*0\.01 is one DSC point"):
        equivalence_tests(np.zeros(51), THREE, 10, seed=1, margin=margin)


def test_refuses_scores_that_are_not_numbers():
    with pytest.raises(InvalidScoresError, match="scores: 51 not finite"):
        equivalence_tests(np.full(51, np.nan), THREE, 10, seed=1)
