"""How far apart protected groups are: disparity measures, equity-scaled Dice, and the trade-off with the mean.

Every function takes the mean score of each protected group and nothing else, so that it can be
used on any disaggregated table, resampled in bulk, and checked by hand.

Two definitions carry the name, both from the work on FairSeg; they differ by the number of groups, so that they must
not stand in one column. Both only make sense of DSC in 0..1 (in percent the divisor would be a hundred times as
strong), reward levelling down, and move by chance with the size of the smallest group.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidScoresError

FloatArray = npt.NDArray[np.float64]


def disparity_sd(group_scores: npt.ArrayLike) -> FloatArray:
    """Standard deviation of the mean score over protected groups.

    Args:
        group_scores: Mean Dice of each protected group in 0..1, shape ``(..., groups)``; the
            leading axes are resamples or strategies.

    Returns:
        Sample standard deviation (``ddof=1``) in the unit of the scores, shape ``(...)``. Zero is
        perfectly even. Groups of equal true score still give a positive value, because each mean
        is measured on a sample: the smaller the groups, the larger.

    Raises:
        InvalidScoresError: Fewer than two groups, NaN, or a score outside 0..1.

    Source:
        Puyol-Antón et al. 2021, section 3. The divisor is the one that reproduces their Table 2.
    """
    return np.asarray(np.std(_validated(group_scores), axis=-1, ddof=1))


def skewed_error_ratio(group_scores: npt.ArrayLike) -> FloatArray:
    """Largest over smallest error of the protected groups, ``max(1 - DSC) / min(1 - DSC)``.

    Args:
        group_scores: As for :func:`disparity_sd`.

    Returns:
        Ratio of at least 1, shape ``(...)``; 1 where all groups are equal, perfect ones included;
        ``inf`` where some group has no error and another has.

    Raises:
        InvalidScoresError: As for :func:`disparity_sd`.

    Source:
        Puyol-Antón et al. 2021, section 3, after Wang and Deng 2020.
    """
    error = 1.0 - _validated(group_scores)
    largest, smallest = error.max(axis=-1), error.min(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # 0/0 is a set of perfect groups, which is perfectly even
        return np.where(largest == smallest, 1.0, largest / smallest)


def _validated(group_scores: npt.ArrayLike) -> FloatArray:
    scores = np.asarray(group_scores, dtype=np.float64)
    if scores.ndim == 0 or scores.shape[-1] < 2:
        raise InvalidScoresError("group_scores", scores.shape, "at least two groups on the last axis")
    outside = ~((scores >= 0.0) & (scores <= 1.0))  # NaN is outside as well
    if outside.any():
        raise InvalidScoresError("group_scores", scores[outside][0], "Dice in 0..1 (divide percentages by 100)")
    return scores


def equity_scaled_by_sd(overall: npt.ArrayLike, group_scores: npt.ArrayLike) -> FloatArray:
    """``D / (1 + SD)``, with the SD (``ddof=1``) over group means.

    Args:
        overall: Mean Dice of all subjects in 0..1, shape ``(...)``.
        group_scores: Mean Dice of each group in 0..1, shape ``(..., groups)``.

    Returns:
        Shape ``(...)``, 0..1; equal to ``overall`` where groups are equal.

    Raises:
        InvalidScoresError: Fewer than two groups, NaN, or a score outside 0..1.

    Source:
        Tian et al. 2023, FairSeg, first preprint (arXiv 2311.02189v1, abstract); ``ddof=1`` as in their code
        (``equity_scaled_std_perf``).
    """
    return np.asarray(_overall(overall) / (1.0 + disparity_sd(group_scores)))


def equity_scaled_by_deviations(overall: npt.ArrayLike, group_scores: npt.ArrayLike) -> FloatArray:
    """``D / (1 + sum |D - D_g|)`` over groups: their "ES-Dice".

    Args:
        overall: As for :func:`equity_scaled_by_sd`.
        group_scores: As there.

    Returns:
        Shape ``(...)``, 0..1; equal to ``overall`` where every group has it. Smaller the more groups there are.

    Raises:
        InvalidScoresError: As there.

    Source:
        Tian et al. 2024, FairSeg (ICLR): what their code prints as ES-Dice (``equity_scaled_perf``).
    """
    whole = _overall(overall)
    disparity_sd(group_scores)  # the same refusals
    deviations = np.abs(whole[..., None] - np.asarray(group_scores, dtype=np.float64)).sum(axis=-1)
    return np.asarray(whole / (1.0 + deviations))


def _overall(overall: npt.ArrayLike) -> FloatArray:
    scores = np.asarray(overall, dtype=np.float64)
    outside = ~((scores >= 0.0) & (scores <= 1.0))
    if outside.any():
        raise InvalidScoresError("overall", scores[outside][0], "Dice in 0..1 (divide percentages by 100)")
    return scores


def pareto_front(mean: npt.ArrayLike, disparity: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether a strategy is beaten by no other.

    Args:
        mean: Of each strategy, higher is better, shape ``(strategies,)``.
        disparity: Lower is better, same shape.

    Returns:
        Shape ``(strategies,)``; false where another strategy is at least as good in both and better in one. Strategies
        that are equal in both stand or fall together.

    Raises:
        InvalidScoresError: The shapes differ, or a value is missing.
    """
    high, low = np.asarray(mean, dtype=np.float64), np.asarray(disparity, dtype=np.float64)
    if high.shape != low.shape or high.ndim != 1:
        raise InvalidScoresError("disparity", low.shape, f"one value a strategy, {high.shape}")
    if np.isnan(high).any() or np.isnan(low).any():
        raise InvalidScoresError("mean and disparity", "missing for a strategy", "a value for every strategy")
    as_good = (high >= high[:, None]) & (low <= low[:, None])
    better = (high > high[:, None]) | (low < low[:, None])
    return np.asarray(~(as_good & better).any(axis=1))
