"""Intervals for new subjects and new trainings: both are drawn again, crossed.

A strategy that was trained three times or more shows how far its scores hang on chance in training. That is common to
all subjects whom a model segments, so that no number of subjects averages it away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidScoresError
from faircmr.core.randomness import generator
from faircmr.fairness.inference.bootstrap_t import NEW_TRAININGS, BootstrapT, GroupBootstrap, bootstrap_t
from faircmr.fairness.inference.groups import FloatArray, Groups, checked_scores
from faircmr.fairness.inference.resampling import (
    Estimates,
    resampled_means,
    subject_generator,
    variance_of,
)

FEWEST_SEEDS = 3
"""Two trainings say next to nothing of how far trainings spread."""


def bootstrap_t_over_seeds(values: npt.ArrayLike, groups: Groups, draws: int, seed: int) -> GroupBootstrap:
    """As :func:`faircmr.fairness.inference.bootstrap_t.bootstrap_t`, of scores of several trainings.

    A draw is one of subjects (within their group) and one of trainings, independent of each other. The squared
    standard error is the sum of two: variance of the subjects (averaged over trainings) over their number, and of the
    trainings (averaged over the group) over theirs. What a training does to single subjects is in both, so that the
    sum is rather too large.

    Args:
        values: Shape ``(..., seeds, subjects)``; the leading axes (strategies) share the draws.
        groups: Membership of the subjects.
        draws: Number of draws.
        seed: Same seed, same subjects and trainings drawn.

    Returns:
        Shape ``(..., groups)``: over new subjects and trainings; with fewer than three seeds, of their average and
        conditional on the trained models.

    Raises:
        InvalidScoresError: No axis of seeds; NaN or infinite values, or values of other subjects.
        InvalidParameterError: No draws.

    Source:
        Owen 2007 for drawing the levels of crossed factors independently.
    """
    scores = checked_scores(values, groups)
    if scores.ndim < 2:
        raise InvalidScoresError("values", scores.shape, "seeds on the axis before the last")
    if scores.shape[-2] < FEWEST_SEEDS:
        return bootstrap_t(scores.mean(axis=-2), groups, draws, seed)
    as_they_are = np.full((1, scores.shape[-2]), 1.0 / scores.shape[-2])
    shares = generator(seed, "trainings").multinomial(scores.shape[-2], as_they_are[0], size=draws) / scores.shape[-2]
    observed = _crossed(scores, groups, as_they_are, lambda rows, _: rows.mean(axis=0, keepdims=True))
    resampled = _crossed(
        scores, groups, shares, lambda rows, group: resampled_means(rows, draws, subject_generator(seed, group))
    )
    by_group = BootstrapT(_only(observed.group_means()), resampled.group_means())
    return GroupBootstrap(
        by_group, BootstrapT(_only(observed.mean_of_groups()), resampled.mean_of_groups()), NEW_TRAININGS
    )


@dataclass(frozen=True)
class _Crossed:
    """What subjects (drawn) say of each training, and the trainings drawn.

    Attributes:
        shares: Of each training in a draw, shape ``(draws, seeds)``.
        training_means: Mean of each group in each training, shape ``(draws, ..., seeds, groups)``.
        subject_variances: Squared standard error from subjects, shape ``(draws, ..., groups)``.
    """

    shares: FloatArray
    training_means: FloatArray
    subject_variances: FloatArray

    def group_means(self) -> Estimates:
        mean = np.einsum("ds,d...sg->d...g", self.shares, self.training_means)
        squares = (self.training_means - mean[..., None, :]) ** 2
        # the sample variance over trainings, by their number
        training_variances = np.einsum("ds,d...sg->d...g", self.shares, squares) / (self.shares.shape[1] - 1)
        return Estimates(mean, np.sqrt(self.subject_variances + training_variances))

    def mean_of_groups(self) -> Estimates:
        """Groups have trainings in common, so that their standard errors cannot simply be put together."""
        groups = self.subject_variances.shape[-1]
        means = self.training_means.mean(axis=-1, keepdims=True)
        variances = self.subject_variances.sum(axis=-1, keepdims=True) / groups**2
        one = _Crossed(self.shares, means, variances).group_means()
        return Estimates(one.values[..., 0], one.standard_errors[..., 0])


def _crossed(
    scores: FloatArray, groups: Groups, shares: FloatArray, over_subjects: Callable[[FloatArray, int], FloatArray]
) -> _Crossed:
    """Means over subjects are as ``over_subjects`` takes them of rows ``(subjects, columns)`` of a group."""
    parts = [
        _crossed_group(scores[..., groups.codes == group], group, shares, over_subjects)
        for group in range(len(groups.names))
    ]
    means, variances = (np.stack(part, axis=-1) for part in zip(*parts, strict=True))
    return _Crossed(shares, means, variances)


def _crossed_group(
    scores: FloatArray, group: int, shares: FloatArray, over_subjects: Callable[[FloatArray, int], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    size, centre = scores.shape[-1], scores.mean(axis=(-2, -1))
    deviations = scores - centre[..., None, None]
    # means of products of two trainings give the mean square of the average over whatever trainings are drawn
    products = deviations[..., :, None, :] * deviations[..., None, :, :]
    rows = np.concatenate([part.reshape(-1, size) for part in (deviations, products)])
    shifts, squares = np.split(over_subjects(rows.T, group), [deviations[..., 0].size], axis=1)
    shifts = shifts.reshape(-1, *deviations.shape[:-1])
    squares = squares.reshape(-1, *products.shape[:-1])
    mean = np.einsum("ds,d...s->d...", shares, shifts)
    mean_square = np.einsum("ds,dt,d...st->d...", shares, shares, squares)
    return centre[..., None] + shifts, variance_of(mean, mean_square, size) / size


def _only(estimates: Estimates) -> Estimates:
    return Estimates(estimates.values[0], estimates.standard_errors[0])
