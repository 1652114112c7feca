"""Draws under a null hypothesis, and how many of them lie beyond what was observed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from faircmr.core.errors import InvalidParameterError
from faircmr.core.randomness import generator
from faircmr.fairness.inference.groups import FloatArray, Groups, IntArray

LARGEST_ARRAY = 2**20
"""Bytes of the largest array of a chunk: a cache holds it. What it is changes no result."""
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


def permuted_memberships(groups: Groups, draws: int, tables: int, seed: int) -> Iterator[FloatArray]:
    """Memberships with subjects put at random into groups of the same sizes.

    Args:
        groups: As observed.
        draws: How many, at least 1.
        tables: Rows of scores that will be multiplied by them: what the chunks are made small for.
        seed: The same seed gives the same draws, whatever ``tables``.

    Yields:
        Shape ``(subjects, chunk, groups)``, ``draws`` in all.

    Raises:
        InvalidParameterError: No draws.
    """
    rng = generator(seed, "permuted groups")
    for size in _chunks(draws, len(groups.names) * max(tables, len(groups.codes))):
        codes = rng.permuted(np.tile(groups.codes, (size, 1)), axis=1)
        # contiguous, so that nobody has to copy it before a product of matrices
        yield np.take(np.eye(len(groups.names)), np.ascontiguousarray(codes.T), axis=0)


def flipped_memberships(groups: Groups, draws: int, tables: int, seed: int) -> Iterator[FloatArray]:
    """Memberships with a random sign for each subject; arguments, yields and errors as :func:`permuted_memberships`."""
    rng = generator(seed, "flipped signs")
    for size in _chunks(draws, len(groups.names) * max(tables, len(groups.codes))):
        signs = np.where(rng.random((size, len(groups.codes))) < 0.5, -1.0, 1.0)
        yield np.ascontiguousarray(signs.T)[..., np.newaxis] * groups.membership[:, np.newaxis]


def _chunks(draws: int, numbers_a_draw: int) -> Iterator[int]:
    if draws < 1:
        raise InvalidParameterError("draws", draws, "at least 1", "10,000 gives p values to about 0.002")
    chunk = max(1, LARGEST_ARRAY // (8 * numbers_a_draw))
    for start in range(0, draws, chunk):
        yield min(chunk, draws - start)
