"""Equity-scaled Dice: the score of everybody, divided by how unevenly groups share in it.

Two definitions carry the name, both from the work on FairSeg; they differ by the number of groups, so that they must
not stand in one column. Both only make sense of DSC in 0..1 (in percent the divisor would be a hundred times as
strong), reward levelling down, and move by chance with the size of the smallest group.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidScoresError
from faircmr.fairness.disparity import FloatArray, disparity_sd


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
