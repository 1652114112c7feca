"""The default tests against scipy's, which enumerates small cases, and against what they must not depend on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test, ttest_1samp, ttest_ind

from faircmr.core import InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference import Groups, equivalence_tests, permutation_tests, sign_flip_tests
from faircmr.fairness.inference import permutation as randomisation
from faircmr.fairness.inference.permutation import untestable

SMALL = Groups(("a", "b"), np.repeat([0, 1], [4, 6]))
THREE = Groups(("a", "b", "c"), np.repeat([0, 1, 2], [12, 5, 3]))
DRAWS = 20_000


def skewed(shape, seed=0):
    return -np.random.default_rng(seed).gamma(0.25, size=shape)


def welch(first, second, axis=-1):
    return ttest_ind(first, second, axis=axis, equal_var=False).statistic


def test_a_group_against_the_rest_is_scipy_s_enumeration_with_welch_s_t():
    values = skewed(10)
    exact = permutation_test((values[:4], values[4:]), welch, vectorized=True, n_resamples=np.inf)

    found = permutation_tests(values, SMALL, DRAWS, seed=1).against_rest

    assert found.statistics[0] == pytest.approx(exact.statistic)
    assert found.p_values == pytest.approx(exact.pvalue, abs=0.015)


def test_with_two_groups_the_omnibus_is_the_square_of_welch_s_t():
    values = skewed(10)

    found = permutation_tests(values, SMALL, 100, seed=1)

    assert found.omnibus.statistics == pytest.approx(found.against_rest.statistics[0] ** 2)


def test_the_omnibus_is_the_wald_type_statistic_of_pauly_brunner_and_konietschke():
    values = skewed(20)
    # their (2.5): N x' T (T V T)+ T x, with T the centring matrix and V = diag(N s^2 / n)
    centring, scale = np.eye(3) - 1 / 3, np.diag(20 * THREE.variances(values) / THREE.sizes)
    centred = centring @ THREE.means(values)
    expected = 20 * centred @ np.linalg.pinv(centring @ scale @ centring) @ centred

    found = permutation_tests(values, THREE, 100, seed=1).omnibus

    assert found.statistics == pytest.approx(expected)


def test_the_omnibus_p_value_is_that_of_an_enumeration():
    groups = Groups(("a", "b", "c"), np.repeat([0, 1, 2], [3, 3, 2]))
    values = skewed(8, seed=4)

    def statistic(*samples, axis=-1):
        means = np.stack([sample.mean(axis=axis) for sample in samples])
        weights = np.stack([sample.shape[axis] / sample.var(axis=axis, ddof=1) for sample in samples])
        return (weights * (means - (weights * means).sum(0) / weights.sum(0)) ** 2).sum(0)

    exact = permutation_test(
        (values[:3], values[3:6], values[6:]), statistic, vectorized=True, n_resamples=np.inf, alternative="greater"
    )

    found = permutation_tests(values, groups, DRAWS, seed=1).omnibus

    assert found.statistics == pytest.approx(exact.statistic)
    assert found.p_values == pytest.approx(exact.pvalue, abs=0.015)


def test_sign_flips_are_scipy_s_enumeration_with_the_paired_t():
    differences = skewed(10, seed=3) + 0.4
    expected = [
        permutation_test(
            (part,),
            lambda sample, axis: ttest_1samp(sample, 0.0, axis=axis).statistic,
            permutation_type="samples",
            vectorized=True,
            n_resamples=np.inf,
        )
        for part in (differences[:4], differences[4:])
    ]

    found = sign_flip_tests(differences, SMALL, DRAWS, seed=1)

    assert found.statistics == pytest.approx([one.statistic for one in expected])
    assert found.p_values == pytest.approx([one.pvalue for one in expected], abs=0.015)


@pytest.mark.parametrize("tests", [permutation_tests, sign_flip_tests])
def test_neither_chunks_nor_other_strategies_change_a_strategy_s_result(tests, monkeypatch):
    values = skewed((2, 3, 20))
    whole = tests(values, THREE, 200, seed=7)

    monkeypatch.setattr(randomisation, "LARGEST_ARRAY", 8 * 60 * 17)
    chunked, alone = tests(values, THREE, 200, seed=7), tests(values[1, 2], THREE, 200, seed=7)

    for all_together, in_chunks, one in zip(*map(results, (whole, chunked, alone)), strict=True):
        assert np.array_equal(all_together.p_values, in_chunks.p_values)
        assert np.array_equal(all_together.p_values[1, 2], one.p_values)


@pytest.mark.parametrize("tests", [permutation_tests, sign_flip_tests, equivalence_tests])
def test_how_many_subjects_are_summed_at_once_changes_no_result(tests, monkeypatch):
    values = skewed((2, 20))
    whole = tests(values, THREE, 200, seed=7)

    monkeypatch.setattr(randomisation, "SUBJECTS_AT_ONCE", 7)

    for at_once, in_blocks in zip(results(whole), results(tests(values, THREE, 200, seed=7)), strict=True):
        assert np.array_equal(at_once.p_values, in_blocks.p_values)


def results(found):
    return [found] if hasattr(found, "p_values") else [found.against_rest, found.omnibus]


def test_the_seed_decides():
    values = skewed(20)
    first, again, other = (permutation_tests(values, THREE, 200, seed).against_rest for seed in (1, 1, 2))

    assert np.array_equal(first.p_values, again.p_values)
    assert not np.array_equal(first.p_values, other.p_values)


@settings(max_examples=30)
@given(st.floats(0.01, 100.0), st.floats(-10.0, 10.0))
def test_the_unit_of_the_scores_does_not_matter(scale, shift):
    values = skewed(20)

    found, moved = (permutation_tests(scores, THREE, 50, seed=1) for scores in (values, scale * values + shift))

    assert moved.against_rest.statistics == pytest.approx(found.against_rest.statistics)
    assert np.array_equal(moved.against_rest.p_values, found.against_rest.p_values)
    assert np.array_equal(moved.omnibus.p_values, found.omnibus.p_values)


@settings(max_examples=30)
@given(st.integers(0, 2**32))
def test_p_values_are_multiples_of_one_over_the_draws_and_one(seed):
    found = permutation_tests(skewed(20, seed), THREE, 99, seed)

    for p_value in (*found.against_rest.p_values, found.omnibus.p_values):
        assert 0.01 <= p_value <= 1.0
        assert 100 * p_value == pytest.approx(round(100 * p_value))


def test_what_is_scored_higher_has_a_positive_statistic():
    values = np.random.default_rng(0).standard_normal(20) + 3.0 * (THREE.codes == 1)

    assert permutation_tests(values, THREE, 10, seed=1).against_rest.statistics[1] > 0
    assert sign_flip_tests(values, THREE, 10, seed=1).statistics[1] > 0


def test_sees_a_small_group_that_is_worse_under_skew_as_a_test_by_the_size_of_t_would_not():
    groups = Groups(("small", "rest"), np.repeat([0, 1], [9, 480]))
    values = skewed((20, 489)) - 0.5 * (groups.codes == 0)  # one SD of the gamma distribution

    found = permutation_tests(values, groups, 999, seed=1).against_rest.p_values[:, 0]
    by_size = [
        permutation_test(
            (row[:9], row[9:]),
            lambda first, second, axis=-1: np.abs(welch(first, second, axis)),
            vectorized=True,
            alternative="greater",
            n_resamples=499,
            rng=np.random.default_rng(1),
        ).pvalue
        for row in values
    ]

    assert (found <= 0.05).all()
    assert np.mean(np.array(by_size) <= 0.05) <= 0.7


def test_the_error_is_the_level_with_nine_subjects_and_skew_minus_four_where_welch_errs_more():
    groups = Groups(("small", "rest"), np.repeat([0, 1], [9, 60]))
    values = skewed((1000, 69))

    found = permutation_tests(values, groups, 199, seed=3)

    assert np.mean(found.against_rest.p_values[:, 0] <= 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean(found.omnibus.p_values <= 0.05) == pytest.approx(0.05, abs=0.02)
    assert np.mean(ttest_ind(values[:, :9], values[:, 9:], axis=1, equal_var=False).pvalue <= 0.05) > 0.1


def test_equal_scores_are_no_evidence():
    for constant in (0.0, 0.1, 0.9):
        found = permutation_tests(np.full(20, constant), THREE, 50, seed=1)

        assert found.against_rest.p_values.tolist() == [1.0, 1.0, 1.0]
        assert found.omnibus.p_values == 1.0
        assert np.array_equal(sign_flip_tests(np.zeros(20), THREE, 50, seed=1).p_values, [1.0, 1.0, 1.0])


def test_a_group_without_spread_is_tested():
    values = np.random.default_rng(0).standard_normal(20)
    values[THREE.codes == 1] = 5.0

    found = permutation_tests(values, THREE, 999, seed=1)

    assert found.against_rest.p_values[1] < 0.01
    assert found.omnibus.p_values < 0.01


def test_a_group_of_one_is_not_tested_and_stays_in_the_rest():
    groups = Groups(("a", "b", "one"), np.repeat([0, 1, 2], [6, 5, 1]))
    values = skewed(12)

    found, paired = permutation_tests(values, groups, 99, seed=1), sign_flip_tests(values, groups, 99, seed=1)

    assert np.isnan(found.against_rest.p_values).tolist() == [False, False, True]
    assert found.against_rest.statistics[0] == pytest.approx(welch(values[:6], values[6:]))
    assert found.omnibus.statistics == pytest.approx(welch(values[:6], values[6:11]) ** 2)
    assert np.isnan(paired.p_values).tolist() == [False, False, True]
    assert untestable(groups) == {"one": "one subject: its spread is unknown"}


def test_there_is_no_omnibus_where_one_group_alone_has_two_subjects():
    found = permutation_tests(skewed(6), Groups(("a", "one"), np.array([0, 0, 0, 0, 0, 1])), 99, seed=1)

    assert np.isnan(found.omnibus.p_values)
    assert np.isnan(found.against_rest.p_values).all()


@pytest.mark.parametrize("tests", [permutation_tests, sign_flip_tests])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(19), r"scores: \(19,\); one number for each of 20 subjects"),
        (0.5, r"scores: \(\); one number for each of 20 subjects"),
        (np.where(np.arange(20) < 2, np.nan, 0.5), "scores: 2 not finite"),
    ],
    ids=["another number of subjects", "a single number", "NaN"],
)
def test_refuses_what_is_not_one_score_a_subject(tests, values, message):
    with pytest.raises(InvalidScoresError, match=message):
        tests(values, THREE, 10, seed=1)


@pytest.mark.parametrize("tests", [permutation_tests, sign_flip_tests])
def test_refuses_no_draws(tests):
    with pytest.raises(InvalidParameterError, match="draws: 0; at least 1"):
        tests(np.zeros(20), THREE, 0, seed=1)
