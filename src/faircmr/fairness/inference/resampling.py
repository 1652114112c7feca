"""Group means and their standard errors, of the scores and of scores of subjects drawn again.

Subjects are drawn with replacement within their group, so that groups keep their sizes. One draw serves everything
that was measured on a subject: all strategies, phases and structures. A draw is a count of each subject, and what is
wanted of all draws is a product of matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidParameterError
from faircmr.core.randomness import generator
from faircmr.fairness.inference.groups import FloatArray, Groups, IntArray, checked_scores

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
