"""Draws under a null hypothesis, and how many of them lie beyond what was observed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from faircmr.core.errors import InvalidParameterError
from faircmr.core.randomness import generator
from faircmr.fairness.inference.groups import FloatArray, Groups, IntArray
from faircmr.fairness.inference.studentised import Moments

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
