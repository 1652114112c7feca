"""Disparity of true group means: all values that it takes while the means move in their simultaneous region.

Sampling noise makes groups of one true score look uneven, so that the SD over groups of every resample is above 0 and
its quantiles are as well. The region holds the true means with its confidence, so the least and the greatest disparity
in it hold the true disparity with at least the same, all measures at once; the least is 0 (of SER, 1) wherever one
score is possible for all groups.

Every function takes a region of Dice, which is cut to 0..1, with groups on the last axis.
"""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from faircmr.fairness.disparity import disparity_sd, skewed_error_ratio
from faircmr.fairness.inference.groups import FloatArray
from faircmr.fairness.inference.interval import Interval

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
