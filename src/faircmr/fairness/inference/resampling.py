"""Group means, standard errors and studentised statistics, of the scores and of resampled scores.

Subjects are drawn with replacement within their group, so that groups keep their sizes. One draw serves everything
that was measured on a subject: all strategies, phases and structures. A draw is a count of each subject, and what is
wanted of all draws is a product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidParameterError, generator
from faircmr.fairness.inference.groups import FloatArray, Groups, IntArray, checked_scores

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


COUNTS_AT_ONCE = 1_000_000
"""Bounds memory; draws are the same whatever it is."""
ROUNDING = 1e-12
"""Part of a mean square that is no variance but what floating point leaves of equal numbers."""


@dataclass(frozen=True)
class Estimates:
    """Estimates with their standard errors.

    Attributes:
        values: Estimates, e.g. group means, shape ``(..., groups)``.
        standard_errors: Of the same shape; NaN where unknown (a group of one).
    """

    values: FloatArray
    standard_errors: FloatArray


def group_estimates(values: npt.ArrayLike, groups: Groups) -> Estimates:
    """Mean of each group and its standard error.

    Args:
        values: One number a subject, shape ``(..., subjects)``.
        groups: Membership of the subjects.

    Returns:
        Shape ``(..., groups)``.

    Raises:
        InvalidScoresError: NaN or infinite values, or values of other subjects than those of ``groups``.
    """
    scores = checked_scores(values, groups)
    means = groups.means(scores)
    deviations = scores - means[..., groups.codes]
    variances = variance_of(groups.means(deviations), groups.means(deviations**2), groups.sizes)
    return Estimates(means, np.sqrt(variances / groups.sizes))


def resampled_estimates(values: npt.ArrayLike, groups: Groups, draws: int, seed: int) -> Estimates:
    """As :func:`group_estimates`, of subjects drawn again within their group.

    Args:
        values: As there; the leading axes share the draws.
        groups: As there.
        draws: Number of draws.
        seed: Same seed, same subjects drawn, whatever the values.

    Returns:
        Shape ``(draws, ..., groups)``. The standard error of a draw that holds equal numbers only is exactly 0.

    Raises:
        InvalidScoresError: As there.
        InvalidParameterError: No draws.
    """
    scores = checked_scores(values, groups)
    by_group = [
        _resampled_group(scores[..., groups.codes == group], draws, subject_generator(seed, group))
        for group in range(len(groups.names))
    ]
    return Estimates(*(np.stack(parts, axis=-1) for parts in zip(*by_group, strict=True)))


def resampled_means(rows: FloatArray, draws: int, random: np.random.Generator) -> FloatArray:
    """Mean of each column over rows drawn with replacement, as many as there are.

    Args:
        rows: Shape ``(subjects, columns)``; the columns share the draws.
        draws: Number of draws.
        random: Source of the draws; where it stands afterwards depends on ``draws`` and ``subjects`` alone.

    Returns:
        Shape ``(draws, columns)``.

    Raises:
        InvalidParameterError: No draws.
    """
    if draws < 1:
        raise InvalidParameterError("draws", draws, "at least 1")
    subjects = len(rows)
    at_once = max(1, COUNTS_AT_ONCE // subjects)
    counts = (_counts(subjects, min(at_once, draws - start), random) for start in range(0, draws, at_once))
    return np.concatenate([block @ rows for block in counts]) / subjects


def variance_of(mean: FloatArray, mean_square: FloatArray, count: int | IntArray) -> FloatArray:
    """Sample variance (``ddof=1``) of ``count`` numbers from their mean and mean square; NaN of one number.

    Exactly 0 of equal numbers, which rounding would otherwise make the smallest of variances.
    """
    excess = mean_square - mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(excess <= ROUNDING * mean_square, 0.0, excess) * np.divide(count, count - 1))


def subject_generator(seed: int, group: int) -> np.random.Generator:
    """Where the draws of a group's subjects come from; each group has its own."""
    return generator(seed, "subjects of group", group)


def _resampled_group(scores: FloatArray, draws: int, random: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    leading, size = scores.shape[:-1], scores.shape[-1]
    centre = scores.mean(axis=-1)
    # deviations, because squares of the scores themselves would lose half the digits
    deviations = (scores - centre[..., None]).reshape(-1, size).T
    moments = resampled_means(np.hstack([deviations, deviations**2]), draws, random)
    shift, square = (part.reshape(draws, *leading) for part in np.split(moments, 2, axis=1))
    return centre + shift, np.sqrt(variance_of(shift, square, size) / size)


def _counts(subjects: int, draws: int, random: np.random.Generator) -> FloatArray:
    drawn = random.integers(subjects, size=(draws, subjects))
    drawn += subjects * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * subjects).reshape(draws, subjects).astype(np.float64)
