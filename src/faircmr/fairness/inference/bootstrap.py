"""Bootstrap intervals of group means and disparities, for new subjects and new trainings.

Sampling noise makes groups of one true score look uneven, so that the SD over groups of every resample is above 0 and
its quantiles are as well. The region holds the true means with its confidence, so the least and the greatest disparity
in it hold the true disparity with at least the same, all measures at once; the least is 0 (of SER, 1) wherever one
score is possible for all groups.

Every function takes a region of Dice, which is cut to 0..1, with groups on the last axis.

A small group of skewed scores has few of the bad ones or none, and then its mean is too good and its standard error
too small at once. Studentising sees the two together, and puts the length where it is missing; Student's interval
does not (measured: ``docs/decisions/0020-intervals.md``). What no interval can see is a kind of failure that the
group's subjects do not show at all.

A strategy that was trained three times or more shows how far its scores hang on chance in training. That is common to
all subjects whom a model segments, so that no number of subjects averages it away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidParameterError, InvalidScoresError, generator
from faircmr.fairness.inference.groups import FloatArray, Groups, Interval, checked_scores
from faircmr.fairness.inference.resampling import (
    Estimates,
    group_estimates,
    resampled_estimates,
    resampled_means,
    subject_generator,
    variance_of,
)
from faircmr.fairness.tables import disparity_sd, skewed_error_ratio


def bias_corrected_sd(means: Estimates) -> FloatArray:
    """SD over groups (``ddof=1``), corrected for the standard errors: ``sqrt(max(0, SD^2 - mean(SE_g^2)))``.

    The expected square of the plain SD of independent means is the square of the true SD plus the mean of their
    squared standard errors, whatever the sizes of the groups. So the corrected square is unbiased until it is cut off
    at 0, where sampling noise alone explains the spread or more than that.

    Args:
        means: Mean of each group and its standard error, shape ``(..., groups)``.

    Returns:
        In the unit of the scores, shape ``(...)``; NaN where a standard error is unknown (a group of one).

    Source:
        The moment estimator of random-effects meta-analysis with equal weights: Hedges 1983, and with other weights
        DerSimonian and Laird 1986.
    """
    between = means.values.var(axis=-1, ddof=1) - (means.standard_errors**2).mean(axis=-1)
    return np.asarray(np.sqrt(np.maximum(between, 0.0)))


ENUMERATED = 12
"""Groups up to which the corners of the region are all looked at (4,096)."""


def sd_interval(region: Interval) -> Interval:
    """SD over groups (``ddof=1``).

    Args:
        region: Simultaneous intervals of the group means, shape ``(..., groups)``.

    Returns:
        In the unit of the scores, shape ``(...)``. The upper end is exact for at most 12 groups, and somewhat too
        large beyond.

    Raises:
        InvalidScoresError: Estimates outside 0..1, or fewer than two groups.
    """
    box = region.within(0.0, 1.0)
    greatest = _greatest_sd if box.low.shape[-1] <= ENUMERATED else _no_less_than_greatest_sd
    return Interval(_least_sd(box.low, box.high), disparity_sd(box.estimate), greatest(box.low, box.high))


def ser_interval(region: Interval) -> Interval:
    """Skewed error ratio, largest over smallest ``1 - DSC``; its upper end is ``inf`` where a group may be perfect.

    Args:
        region: As for :func:`sd_interval`.

    Raises:
        InvalidScoresError: As there.
    """
    box = region.within(0.0, 1.0)
    least, greatest = 1.0 - box.high, 1.0 - box.low
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0/0 is a set of perfect groups, which is perfectly even
        low = np.fmax(least.max(axis=-1) / greatest.min(axis=-1), 1.0)
        ratios = np.fmax(greatest[..., :, None] / least[..., None, :], 1.0)
    return Interval(low, skewed_error_ratio(box.estimate), _between_groups(ratios).max(axis=(-2, -1)))


def gap_interval(region: Interval) -> Interval:
    """Best minus worst group mean, in the unit of the scores.

    Args:
        region: As for :func:`sd_interval`.
    """
    box = region.within(0.0, 1.0)
    apart = np.maximum(box.low.max(axis=-1) - box.high.min(axis=-1), 0.0)
    furthest = _between_groups(box.high[..., :, None] - box.low[..., None, :]).max(axis=(-2, -1))
    return Interval(apart, np.ptp(box.estimate, axis=-1), furthest)


def worst_interval(region: Interval) -> Interval:
    """Mean of the worst group, whichever that is.

    Args:
        region: As for :func:`sd_interval`.
    """
    box = region.within(0.0, 1.0)
    return Interval(*(ends.min(axis=-1) for ends in (box.low, box.estimate, box.high)))


def may_be_worst(region: Interval) -> npt.NDArray[np.bool_]:
    """Groups that no other group is sure to lie below, shape ``(..., groups)``; together they hold the worst group.

    Args:
        region: As for :func:`sd_interval`; any unit.
    """
    return np.asarray(region.low <= region.high.min(axis=-1, keepdims=True))


def _between_groups(pairs: FloatArray) -> FloatArray:
    """Two different groups; a group is not uneven with itself, however wide its interval."""
    return np.where(np.eye(pairs.shape[-1], dtype=bool), -np.inf, pairs)


def _least_sd(low: FloatArray, high: FloatArray) -> FloatArray:
    """All groups as near as they can come to a common centre, which is the mean of where they then are.

    The mean of the places minus the centre falls with the centre, and is linear between ends of intervals: its zero
    is found by interpolation.
    """
    ends = np.sort(np.concatenate([low, high], axis=-1), axis=-1)
    pull = np.clip(ends[..., :, None], low[..., None, :], high[..., None, :]).mean(axis=-1) - ends
    before = np.clip((pull >= 0.0).sum(axis=-1, keepdims=True) - 1, 0, ends.shape[-1] - 2)
    (left, pull_left), (right, pull_right) = (
        (np.take_along_axis(ends, at, axis=-1), np.take_along_axis(pull, at, axis=-1)) for at in (before, before + 1)
    )
    fall = pull_left - pull_right
    share = np.divide(pull_left, fall, out=np.zeros_like(fall), where=fall > 0.0)
    nearest = np.clip(left + share * (right - left), low, high)
    return np.where(low.max(axis=-1) <= high.min(axis=-1), 0.0, nearest.std(axis=-1, ddof=1))


def _greatest_sd(low: FloatArray, high: FloatArray) -> FloatArray:
    """The SD is convex in the means, so that it is greatest at a corner."""
    corners = np.array(list(product((False, True), repeat=low.shape[-1])))
    return np.asarray(np.where(corners, high[..., None, :], low[..., None, :]).std(axis=-1, ddof=1).max(axis=-1))


def _no_less_than_greatest_sd(low: FloatArray, high: FloatArray) -> FloatArray:
    """Corners double with every group, and there is no short way to the greatest (Ferson et al. 2002: NP-hard).

    Squares about any centre are at least those about the mean: each group at its end that is farther from a centre
    bounds the SD, and the best of some centres is taken.
    """
    centres = (low + high)[..., :, None] / 2.0
    farthest = np.maximum((high[..., None, :] - centres) ** 2, (low[..., None, :] - centres) ** 2)
    return np.asarray(np.sqrt(farthest.sum(axis=-1).min(axis=-1) / (low.shape[-1] - 1)))


THESE_MODELS = "conditional on these trained models"
NEW_TRAININGS = "over new subjects and new trainings"


@dataclass(frozen=True)
class BootstrapT:
    """Estimates from the data and from every draw.

    Attributes:
        observed: Shape ``(...)``.
        resampled: Shape ``(draws, ...)``.
    """

    observed: Estimates
    resampled: Estimates

    def interval(self, confidence: float = 0.95) -> Interval:
        """Equal-tailed interval of each estimate by itself: ``estimate - t*_(1-a/2) SE`` to ``estimate - t*_(a/2) SE``.

        A standard error that is unknown (a group of one) gives the whole line. A draw of equal numbers has an
        infinite t of the sign of its difference. Of groups of two or three (of four, in a region of six groups) there
        are so many of these that the interval is infinite at one end or both, which is what so few subjects tell.
        Scores that are all equal give a point.

        Args:
            confidence: Above 0 and below 1.

        Raises:
            InvalidParameterError: Another confidence, or one that needs more draws.

        Source:
            Hall 1988, who calls it percentile-t and shows that it is accurate to second order.
        """
        least, greatest = _outer_quantiles(self._studentised(), confidence)
        estimate, error = self.observed.values, self.observed.standard_errors
        with np.errstate(invalid="ignore"):
            # a standard error of 0 makes a point, even where t is infinite
            below, above = (np.where(error == 0, 0.0, end * error) for end in (greatest, least))
        unknown = np.isnan(error)
        low, high = np.where(unknown, -np.inf, estimate - below), np.where(unknown, np.inf, estimate - above)
        return Interval(low, estimate, high)

    def _studentised(self) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.resampled.values - self.observed.values) / self.resampled.standard_errors
        return np.nan_to_num(t, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf)


@dataclass(frozen=True)
class GroupBootstrap:
    """Bootstrap-t of protected groups.

    Attributes:
        groups: Of the mean of each group, shape ``(..., groups)``.
        mean_of_groups: Of their unweighted mean, shape ``(...)``.
        scope: What the intervals speak of: :data:`THESE_MODELS` or :data:`NEW_TRAININGS`.
    """

    groups: BootstrapT
    mean_of_groups: BootstrapT
    scope: str

    def region(self, confidence: float = 0.95) -> Interval:
        """Intervals that hold the means of all groups at once: a box.

        Every group is as likely to lie outside as any other (balanced, as Beran 1988 asks). No subject is in two
        groups, so that the chance that all lie inside is the product of their chances: each interval is at
        ``confidence ** (1 / groups)``. Trainings that are drawn again are common to all groups; the box then holds
        them with at least that chance (Šidák 1967, for normal estimates).

        Args:
            confidence: Of the whole box; above 0 and below 1.

        Raises:
            InvalidParameterError: As for :meth:`BootstrapT.interval`.
        """
        return self.groups.interval(confidence ** (1.0 / self.groups.observed.values.shape[-1]))


def bootstrap_t(values: npt.ArrayLike, groups: Groups, draws: int, seed: int) -> GroupBootstrap:
    """Bootstrap-t of group means, or of paired changes where the values are differences of two strategies.

    Args:
        values: One number a subject, shape ``(..., subjects)``; the leading axes (strategies) share the draws.
        groups: Membership of the subjects, who are drawn again within their group.
        draws: Number of draws. With 10,000, another seed moves an end of a 95 % region of six groups by 1 to 4 % of
            the interval's width (SD); by 9 % in a group of nine of which one subject lies far off.
        seed: Same seed, same subjects drawn, whatever the values.

    Returns:
        Conditional on the trained models.

    Raises:
        InvalidScoresError: NaN or infinite values, or values of other subjects than those of ``groups``.
        InvalidParameterError: No draws.
    """
    observed, resampled = group_estimates(values, groups), resampled_estimates(values, groups, draws, seed)
    means = BootstrapT(_mean_of_groups(observed), _mean_of_groups(resampled))
    return GroupBootstrap(BootstrapT(observed, resampled), means, THESE_MODELS)


def _mean_of_groups(groups: Estimates) -> Estimates:
    variance = (groups.standard_errors**2).mean(axis=-1) / groups.values.shape[-1]
    return Estimates(groups.values.mean(axis=-1), np.sqrt(variance))


def _outer_quantiles(t: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Draws next to the quantiles on the outside; between two draws there may be infinity."""
    if not 0.0 < confidence < 1.0:
        raise InvalidParameterError("confidence", confidence, "above 0 and below 1, e.g. 0.95")
    tail = (1.0 - confidence) / 2.0
    if tail * len(t) < 1.0:
        raise InvalidParameterError(
            "draws", len(t), f"at least {int(np.ceil(1 / tail))} at confidence {confidence:.4g}"
        )
    return np.quantile(t, tail, axis=0, method="lower"), np.quantile(t, 1.0 - tail, axis=0, method="higher")


FEWEST_SEEDS = 3
"""Two trainings say next to nothing of how far trainings spread."""


def bootstrap_t_over_seeds(values: npt.ArrayLike, groups: Groups, draws: int, seed: int) -> GroupBootstrap:
    """As :func:`bootstrap_t`, of scores of several trainings.

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
