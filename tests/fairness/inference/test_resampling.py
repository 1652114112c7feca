"""Means and standard errors of subjects drawn again, against the same draws taken one by one."""

import numpy as np
import pytest

from faircmr.core import InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference import Groups, group_estimates, resampling
from faircmr.fairness.inference.resampling import resampled_estimates, resampled_means, subject_generator, variance_of

GROUPS = Groups.of([*"aaaaabbbbbbbc"])
VALUES = np.random.default_rng(3).uniform(0.6, 0.9, size=(2, 3, 13))


def test_estimates_are_means_and_their_standard_errors():
    found = group_estimates([1.0, 2.0, 3.0, 10.0, 20.0, 5.0], Groups.of([*"aaabbc"]))

    np.testing.assert_allclose(found.values, [2.0, 15.0, 5.0])
    np.testing.assert_allclose(found.standard_errors, [np.sqrt(1 / 3), 5.0, np.nan])


def test_every_draw_is_of_subjects_of_the_group_and_the_same_for_all_strategies():
    found = resampled_estimates(VALUES, GROUPS, draws=20, seed=5)

    for group, size in enumerate(GROUPS.sizes):
        drawn = subject_generator(5, group).integers(size, size=(20, size))
        scores = np.moveaxis(VALUES[..., GROUPS.codes == group][..., drawn], 2, 0)
        np.testing.assert_allclose(found.values[..., group], scores.mean(axis=-1))
        if size > 1:
            errors = scores.std(axis=-1, ddof=1) / np.sqrt(size)
            np.testing.assert_allclose(found.standard_errors[..., group], errors, atol=1e-9)
    assert np.isnan(found.standard_errors[..., 2]).all()


def test_the_size_of_blocks_changes_nothing(monkeypatch):
    at_once = resampled_estimates(VALUES, GROUPS, draws=101, seed=5)
    monkeypatch.setattr(resampling, "COUNTS_AT_ONCE", 50)
    in_blocks = resampled_estimates(VALUES, GROUPS, draws=101, seed=5)

    np.testing.assert_allclose(in_blocks.values, at_once.values, rtol=1e-13)
    np.testing.assert_allclose(in_blocks.standard_errors, at_once.standard_errors, rtol=1e-9)


def test_another_seed_draws_other_subjects():
    first, again, other = (resampled_estimates(VALUES, GROUPS, 50, seed).values[..., :2] for seed in (1, 1, 2))

    assert (first == again).all()
    assert (first != other).mean() > 0.9


def test_draws_spread_as_the_mean_of_a_sample_does():
    scores = np.random.default_rng(1).normal(size=(25, 1))

    means = resampled_means(scores, 40_000, np.random.default_rng(2))

    # Monte-Carlo error of an SD of 40,000: 0.35 %
    assert means.std() == pytest.approx(scores.std() / 5, rel=0.015)


@pytest.mark.parametrize("far", [0.0, 1e3])
def test_equal_numbers_have_no_variance_wherever_they_lie(far):
    drawn = far + np.array([0.1, 0.1, 0.1])

    assert variance_of(drawn.mean(keepdims=True), (drawn**2).mean(keepdims=True), 3).tolist() == [0.0]


def test_a_draw_of_equal_numbers_has_a_standard_error_of_exactly_0():
    found = resampled_estimates([0.1, 0.7, 0.3, 0.3], Groups.of([*"aabb"]), draws=200, seed=1)

    assert set(np.round(found.standard_errors[:, 0], 9)) == {0.0, 0.3}
    assert (found.standard_errors == 0.0).mean(axis=0) == pytest.approx([0.5, 1.0], abs=0.1)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([0.1, np.nan, np.inf, 0.4], "scores: 2 not finite; numbers"),
        ([0.1, 0.2, 0.3], "4 subjects on the last axis"),
        (0.5, "4 subjects on the last axis"),
    ],
)
def test_refuses_values_that_are_missing_or_of_others(values, said):
    groups = Groups.of([*"aabb"])

    for estimate in (lambda: group_estimates(values, groups), lambda: resampled_estimates(values, groups, 10, 1)):
        with pytest.raises(InvalidScoresError, match=said):
            estimate()


def test_refuses_to_draw_nothing():
    with pytest.raises(InvalidParameterError, match="draws: 0; at least 1"):
        resampled_estimates([0.1, 0.2], Groups.of([*"ab"]), draws=0, seed=1)
