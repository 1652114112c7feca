"""Permutation tests of each group against the rest, omnibus and sign-flip tests, and Holm's correction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidParameterError, generator
from faircmr.fairness.inference.groups import FloatArray, Groups, IntArray, checked_scores
from faircmr.fairness.inference.resampling import VARIANCE_FLOOR, Moments, standardised, wald_statistic, welch_statistic


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Holm's adjusted p values; rejecting those at most 5 % errs anywhere in the family 5 % of the time at most.

    Args:
        p_values: In 0..1, shape ``(..., family)``: the last axis is the family, declared before the run (ravel
            strategies and groups to make them one); leading axes are families apart. NaN is a question that could
            not be asked and counts for nothing.

    Returns:
        Same shape, NaN where it was.

    Raises:
        InvalidParameterError: A p value outside 0..1.

    Source:
        Holm 1979. As ``statsmodels.stats.multitest.multipletests(method="holm")``, which takes neither NaN nor axes.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    if ((raw < 0.0) | (raw > 1.0)).any():
        raise InvalidParameterError("p_values", raw[(raw < 0.0) | (raw > 1.0)][0], "0..1, or NaN where untestable")
    order = np.argsort(raw, axis=-1)  # NaN comes last and so holds nothing up
    hypotheses = np.isfinite(raw).sum(axis=-1, keepdims=True)
    stepped = np.take_along_axis(raw, order, axis=-1) * (hypotheses - np.arange(raw.shape[-1]))
    adjusted = np.empty_like(raw)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0), axis=-1)
    return adjusted


LARGEST_ARRAY = 2**20
"""Bytes of the largest array of a chunk: a cache holds it. What it is changes no result."""
SUBJECTS_AT_ONCE = 1024
"""So that a draw costs as much a subject in a large cohort as in a small one; what it is moves sums by rounding."""
TIE = 1e-9
"""Statistics this close, relative to the one observed, are equal but for rounding."""


@dataclass(frozen=True)
class RandomisationTest:
    """A statistic and its two-sided p value.

    Attributes:
        statistics: Shape ``(..., groups)``, or ``(...)`` for a test of all groups at once; NaN where untestable.
        p_values: Same shape, in ``1 / (1 + draws)`` .. 1; NaN where untestable.
    """

    statistics: FloatArray
    p_values: FloatArray


class Tails:
    """Counts of draws on either side of what was observed."""

    def __init__(self, observed: FloatArray) -> None:
        """Start at none.

        Args:
            observed: Shape ``(tables, ...)``; NaN where untestable.
        """
        self.observed = observed
        self._tie = TIE * (1.0 + np.abs(observed))
        self._draws = 0
        self._below: IntArray = np.zeros(observed.shape, dtype=np.int64)
        self._above: IntArray = np.zeros(observed.shape, dtype=np.int64)

    def add(self, drawn: FloatArray) -> None:
        """Count draws, shape ``(tables, draws, ...)``."""
        self._draws += drawn.shape[1]
        self._below += (drawn <= (self.observed + self._tie)[:, np.newaxis]).sum(axis=1)
        self._above += (drawn >= (self.observed - self._tie)[:, np.newaxis]).sum(axis=1)

    @property
    def lower(self) -> FloatArray:
        """One-sided p value: draws as low as the observed, which counts as one of them."""
        return self._p_value(self._below)

    @property
    def upper(self) -> FloatArray:
        """One-sided p value: draws as high."""
        return self._p_value(self._above)

    @property
    def two_sided(self) -> FloatArray:
        """Twice the smaller of both, at most 1: each direction has half of the error, however skewed the draws are."""
        return np.minimum(2.0 * np.minimum(self.lower, self.upper), 1.0)

    def _p_value(self, beyond: IntArray) -> FloatArray:
        return np.where(np.isnan(self.observed), np.nan, (1 + beyond) / (1 + self._draws))


@dataclass(frozen=True)
class PermutedGroups:
    """Subjects put at random into groups of the same sizes, some draws of it.

    Attributes:
        groups: As observed.
        codes: Position of each subject's group in each draw, shape ``(draws, subjects)``.
    """

    groups: Groups
    codes: IntArray

    def moments(self, table: FloatArray) -> Moments:
        """Of the groups as drawn.

        Args:
            table: Shape ``(tables, subjects)``.

        Returns:
            Sums of shape ``(tables, draws, groups)``.
        """
        both, count = np.concatenate([table, table**2]), len(self.groups.names)
        sums = np.zeros((len(both), len(self.codes) * count))
        for some in subject_blocks(table.shape[1]):
            # contiguous, so that nobody has to copy it before a product of matrices
            drawn = np.take(np.eye(count), np.ascontiguousarray(self.codes[:, some].T), axis=0)
            sums += both[:, some] @ drawn.reshape(len(drawn), -1)
        sums, squares = sums.reshape(2, len(table), len(self.codes), count)
        return Moments(sums, squares, self.groups.sizes.astype(np.float64))

    def stayed(self, table: FloatArray) -> Moments:
        """Of those who were drawn into the group that they are of; sizes have the shape ``(draws, groups)``."""
        shape = (len(self.codes), len(self.groups.names))
        sums, sizes = np.zeros((len(table), *shape)), np.zeros(shape)
        for some in subject_blocks(table.shape[1]):
            own = self.groups.codes[some]
            stayed = (self.codes[:, some] == own).astype(np.float64)
            for group in np.unique(own):
                members = own == group
                sums[..., group] += table[:, some][:, members] @ stayed[:, members].T
                sizes[:, group] += stayed[:, members].sum(axis=1)
        return Moments(sums, np.full((), np.nan), sizes)


def permuted_groups(groups: Groups, draws: int, tables: int, seed: int) -> Iterator[PermutedGroups]:
    """Subjects put at random into groups of the same sizes.

    Args:
        groups: As observed.
        draws: How many, at least 1.
        tables: Rows of scores that will be summed: what the chunks are made small for.
        seed: The same seed gives the same draws, whatever ``tables``.

    Yields:
        Chunks, ``draws`` in all.

    Raises:
        InvalidParameterError: No draws.
    """
    rng = generator(seed, "permuted groups")
    for size in _chunks(draws, groups, tables):
        yield PermutedGroups(groups, shuffles(groups.codes, size, rng))


def flipped_sums(table: FloatArray, groups: Groups, draws: int, seed: int) -> Iterator[FloatArray]:
    """Sums over the members of each group with a random sign for each subject.

    Args:
        table: Shape ``(tables, subjects)``.
        groups: Of the same subjects.
        draws: How many, at least 1.
        seed: The same seed gives the same signs.

    Yields:
        Chunks of shape ``(tables, chunk, groups)``, ``draws`` in all.

    Raises:
        InvalidParameterError: No draws.
    """
    rng = generator(seed, "flipped signs")
    members = [groups.codes == group for group in range(len(groups.names))]
    for size in _chunks(draws, groups, len(table)):
        signs = np.where(rng.random((size, len(groups.codes))) < 0.5, -1.0, 1.0)
        yield np.stack([table[:, own] @ signs[:, own].T for own in members], axis=-1)


def shuffles(values: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """The same values in ``count`` random orders, shape ``(count, values)``.

    What ``rng.permuted`` makes of ``count`` copies; but a row is shuffled while a cache still holds it, which takes a
    third of the time for 100,000 subjects.
    """
    rows = np.empty((count, len(values)), dtype=values.dtype)
    for row in rows:
        row[:] = values
        rng.shuffle(row)
    return rows


def subject_blocks(subjects: int) -> Iterator[slice]:
    """All subjects, some at a time, so that what is made for them stays in a cache."""
    for start in range(0, subjects, SUBJECTS_AT_ONCE):
        yield slice(start, start + SUBJECTS_AT_ONCE)


def _chunks(draws: int, groups: Groups, tables: int) -> Iterator[int]:
    if draws < 1:
        raise InvalidParameterError("draws", draws, "at least 1", "10,000 gives p values to about 0.002")
    subjects = min(len(groups.codes), SUBJECTS_AT_ONCE)
    chunk = max(1, LARGEST_ARRAY // (8 * len(groups.names) * max(tables, subjects)))
    for start in range(0, draws, chunk):
        yield min(chunk, draws - start)


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
    :mod:`faircmr.fairness.inference.bootstrap` is what to believe. A group of n subjects has 2^n sign patterns, and
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
