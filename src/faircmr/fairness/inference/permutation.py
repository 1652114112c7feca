"""The default tests: is a group scored as the rest are, and are all groups scored alike?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faircmr.fairness.inference.groups import FloatArray, Groups, checked_scores
from faircmr.fairness.inference.randomisation import (
    RandomisationTest,
    Tails,
    flipped_sums,
    permuted_groups,
)
from faircmr.fairness.inference.studentised import (
    VARIANCE_FLOOR,
    Moments,
    standardised,
    wald_statistic,
    welch_statistic,
)

ONE_SUBJECT = "one subject: its spread is unknown"


@dataclass(frozen=True)
class PermutationTests:
    """Tests of one or more strategies on the same subjects.

    Attributes:
        against_rest: Each group against everybody else, shape ``(..., groups)``; the statistic is Welch's t, positive
            where the group is scored higher.
        omnibus: All groups of two subjects at least against each other, shape ``(...)``; a Wald-type statistic.
    """

    against_rest: RandomisationTest
    omnibus: RandomisationTest


def permutation_tests(values: npt.ArrayLike, groups: Groups, draws: int, seed: int) -> PermutationTests:
    """Studentised permutation tests of equal mean scores.

    Exact where the groups have the same distribution, however skewed and however small; with unequal variances the
    error tends to its level as all groups grow. One draw of memberships serves all strategies and both statistics. The
    p value against the rest is two-sided with half of the error in each tail: with skewed scores a test by ``|t|``
    hardly ever sees that a small group is worse (docs/decisions/0021).

    Args:
        values: One score a subject, shape ``(..., subjects)``, any unit; leading axes are strategies.
        groups: Of the same subjects.
        draws: Permutations, at least 1. No p value against the rest is below 2 / (1 + draws): for Holm over m
            tests at 5 %, many more than 40 m.
        seed: Same seed, same result.

    Returns:
        ``p = (1 + draws at or beyond the observed) / (1 + draws)``, doubled for the smaller tail of ``against_rest``.
        A group of one (:func:`untestable`) is NaN and stays in the rest; where all scores are equal, p is 1.

    Raises:
        InvalidScoresError: Another number of subjects, or a score that is not finite.
        InvalidParameterError: No draws.

    Source:
        Janssen 1997 and Chung and Romano 2013 for the two-sample test; Pauly, Brunner and Konietschke 2015 for
        the omnibus; Phipson and Smyth 2010 for the 1 that is added.
    """
    scores = checked_scores(values, groups)
    table = standardised(scores.reshape(-1, scores.shape[-1]))
    observed = Moments.of(table, groups.membership)
    against_rest = Tails(welch_statistic(observed, observed.rest()))
    omnibus = Tails(wald_statistic(observed))
    for permuted in permuted_groups(groups, draws, len(table), seed):
        drawn = permuted.moments(table)
        against_rest.add(welch_statistic(drawn, drawn.rest()))
        omnibus.add(wald_statistic(drawn))
    leading = scores.shape[:-1]
    return PermutationTests(
        _in_shape(against_rest.observed, against_rest.two_sided, (*leading, -1)),
        _in_shape(omnibus.observed, omnibus.upper, leading),
    )


def sign_flip_tests(differences: npt.ArrayLike, groups: Groups, draws: int, seed: int) -> RandomisationTest:
    """Studentised tests that a group's scores are the same under two strategies.

    Exact where the differences are symmetric about their mean, otherwise only as the group grows: with nine subjects
    and differences of skewness -4 it rejects 20 % of the time at 5 % (docs/decisions/0021), and the paired interval of
    :mod:`faircmr.fairness.inference.bootstrap_t` is what to believe. A group of n subjects has 2^n sign patterns, and
    so no p value below 2 / 2^n: five subjects never reach 5 %.

    Args:
        differences: Score under one strategy less that under the other, of each subject, shape ``(..., subjects)``.
        groups: Of the same subjects.
        draws: Sign patterns, at least 1.
        seed: Same seed, same result.

    Returns:
        Paired t of each group, positive where the first strategy scores higher, and its two-sided p value, shape
        ``(..., groups)``; NaN for a group of one.

    Raises:
        InvalidScoresError: As for :func:`permutation_tests`.
        InvalidParameterError: No draws.

    Source:
        Fisher 1935 for the flips; Romano 1990 for what holds without symmetry.
    """
    scores = checked_scores(differences, groups)
    table = scores.reshape(-1, scores.shape[-1])
    table = table / np.maximum(np.abs(table).max(axis=-1, keepdims=True), np.finfo(np.float64).tiny)
    squares = Moments.of(table, groups.membership).squares
    tails = Tails(_paired_statistic(table @ groups.membership, squares, groups))
    for sums in flipped_sums(table, groups, draws, seed):
        tails.add(_paired_statistic(sums, squares[:, np.newaxis], groups))
    return _in_shape(tails.observed, tails.two_sided, (*scores.shape[:-1], -1))


def untestable(groups: Groups) -> dict[str, str]:
    """Why a group cannot be tested, by its name; groups that can are left out."""
    return {name: ONE_SUBJECT for name, size in zip(groups.names, groups.sizes, strict=True) if size < 2}


def _paired_statistic(sums: FloatArray, squares: FloatArray, groups: Groups) -> FloatArray:
    moments = Moments(sums, squares, groups.sizes.astype(np.float64))
    error = np.sqrt(np.maximum(moments.variances / moments.sizes, VARIANCE_FLOOR))
    return np.asarray(moments.means / error)


def _in_shape(statistics: FloatArray, p_values: FloatArray, shape: tuple[int, ...]) -> RandomisationTest:
    return RandomisationTest(statistics.reshape(shape), p_values.reshape(shape))
