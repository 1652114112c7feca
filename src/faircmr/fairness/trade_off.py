"""Mean and disparity together: a model that makes every group worse can have the best disparity."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidScoresError


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
