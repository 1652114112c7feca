"""How far apart protected groups are: one number from one score per group.

Every function takes the mean score of each protected group and nothing else, so that it can be
used on any disaggregated table, resampled in bulk, and checked by hand.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidScoresError

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
