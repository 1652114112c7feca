"""The SD over groups without what sampling noise adds to it."""

from __future__ import annotations

import numpy as np

from faircmr.fairness.inference.groups import FloatArray
from faircmr.fairness.inference.resampling import Estimates


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
