"""How far groups lie apart by chance alone, from what an audit has saved."""

from __future__ import annotations

import numpy as np
import pandas as pd

from faircmr.core.errors import InvalidParameterError


def chance_of_disparity(groups: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """SD over groups that sampling noise would give if all groups were served alike.

    Args:
        groups: Rows of one attribute of :attr:`faircmr.fairness.audit.Audit.groups`: ``model``, ``n``, ``sd`` (points,
            over subjects), ``low`` (missing where a group is too small to count).
        confidence: Share of studies in which chance stays below the upper end, in 0..1.

    Returns:
        One row a model, in their order: ``model``, ``expected`` (root of the mean squared standard error: the root mean
        square of SD under equality) and ``upper``, in points; NaN where fewer than two groups count.

    Raises:
        InvalidParameterError: ``confidence`` is not between 0 and 1.

    Source:
        Expectation and variance of a quadratic form of normal means; ``upper`` is the quantile of the scaled chi-square
        distribution that has both (Satterthwaite 1946).
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidParameterError("confidence", confidence, "a share between 0 and 1")
    rows = []
    for model, own in groups.groupby("model", sort=False):
        counted = own[own["low"].notna()]
        squares = (counted["sd"] ** 2 / counted["n"]).to_numpy(dtype=float)
        rows.append((str(model), *_chance(squares, confidence)))
    return pd.DataFrame(rows, columns=["model", "expected", "upper"])


def _chance(squared_errors: np.ndarray[tuple[int], np.dtype[np.float64]], confidence: float) -> tuple[float, float]:
    # half a second to import
    from scipy.special import chdtri

    count = len(squared_errors)
    if count < 2 or not squared_errors.any():
        return (float("nan"), float("nan"))
    expected = squared_errors.mean()
    # trace of (C V)^2 with C the centring matrix
    trace = (1 - 2 / count) * (squared_errors**2).sum() + squared_errors.sum() ** 2 / count**2
    freedom = ((count - 1) * expected) ** 2 / trace
    return float(np.sqrt(expected)), float(np.sqrt(expected * chdtri(freedom, 1.0 - confidence) / freedom))
