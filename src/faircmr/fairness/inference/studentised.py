"""Studentised statistics of groups from sums over their members, so that a resample costs one matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from faircmr.fairness.inference.groups import FloatArray

VARIANCE_FLOOR = 1e-12
"""Least variance of a mean, of scores of unit variance: two sets without any spread differ by much, not by infinity."""


@dataclass(frozen=True)
class Moments:
    """Sums over the members of sets of subjects.

    Attributes:
        sums: Of the scores, shape ``(..., sets)``.
        squares: Of the squared scores, shape ``(..., sets)``.
        sizes: Members, shape ``(sets,)``.
    """

    sums: FloatArray
    squares: FloatArray
    sizes: FloatArray

    @classmethod
    def of(cls, scores: FloatArray, membership: FloatArray) -> Self:
        """Of sets given by who is in them.

        Args:
            scores: Shape ``(tables, subjects)``.
            membership: 1 where a subject is in a set, shape ``(subjects, ..., sets)``; the sizes of the sets must not
                change along the axes between.

        Returns:
            Sums of shape ``(tables, ..., sets)``.
        """
        flat = np.ascontiguousarray(membership).reshape(len(membership), -1)
        shape = (len(scores), *membership.shape[1:])
        sizes = flat[:, : membership.shape[-1]].sum(axis=0)
        return cls((scores @ flat).reshape(shape), (scores**2 @ flat).reshape(shape), sizes)

    def rest(self) -> Moments:
        """Of everybody else, where the sets are a division of all subjects."""
        return Moments(
            self.sums.sum(axis=-1, keepdims=True) - self.sums,
            self.squares.sum(axis=-1, keepdims=True) - self.squares,
            self.sizes.sum() - self.sizes,
        )

    @property
    def means(self) -> FloatArray:
        """Shape ``(..., sets)``."""
        return self.sums / self.sizes

    @property
    def variances(self) -> FloatArray:
        """Sample variances (``ddof=1``), shape ``(..., sets)``; NaN of one member."""
        squares = np.maximum(self.squares - self.sums**2 / self.sizes, 0.0)  # below 0 is rounding
        return np.asarray(squares / np.where(self.sizes > 1, self.sizes - 1, np.nan))


def welch_statistic(inside: Moments, outside: Moments) -> FloatArray:
    """Difference of two means over its standard error, without the assumption of equal variances.

    Args:
        inside: Of standardised scores in the sets.
        outside: Of those outside of each.

    Returns:
        Positive where the mean inside is higher, shape ``(..., sets)``; NaN where one side has one member.

    Source:
        Welch 1938.
    """
    variance = inside.variances / inside.sizes + outside.variances / outside.sizes
    return np.asarray((inside.means - outside.means) / np.sqrt(np.maximum(variance, VARIANCE_FLOOR)))


def wald_statistic(moments: Moments) -> FloatArray:
    """How far the means of all sets lie apart, each weighed by the inverse of its variance.

    Args:
        moments: Of standardised scores. Sets of one member have no variance and are left out.

    Returns:
        Sum over sets of ``(mean - weighed mean)^2 / (variance / size)``, shape ``(...)``; NaN where fewer than two
        sets have two members.

    Source:
        Welch 1951 and James 1951, without their corrections; the Wald-type statistic of Pauly, Brunner and
        Konietschke 2015 for one factor.
    """
    several = moments.sizes > 1
    means, variances = moments.means[..., several], moments.variances[..., several]
    if several.sum() < 2:
        return np.full(means.shape[:-1], np.nan)
    weights = 1.0 / np.maximum(variances / moments.sizes[several], VARIANCE_FLOOR)
    centre = (weights * means).sum(axis=-1, keepdims=True) / weights.sum(axis=-1, keepdims=True)
    return np.asarray((weights * (means - centre) ** 2).sum(axis=-1))


def spread_of(scores: FloatArray) -> FloatArray:
    """SD over all subjects (``ddof=1``), 1 where all scores are equal; shape ``(..., 1)``."""
    constant = np.ptp(scores, axis=-1, keepdims=True) == 0
    return np.asarray(np.where(constant, 1.0, scores.std(axis=-1, ddof=1, keepdims=True)))


def standardised(scores: FloatArray) -> FloatArray:
    """Scores less their mean, over their SD: exactly 0 where all are equal, so that rounding is no spread."""
    constant = np.ptp(scores, axis=-1, keepdims=True) == 0
    return np.asarray(np.where(constant, 0.0, (scores - scores.mean(axis=-1, keepdims=True)) / spread_of(scores)))
