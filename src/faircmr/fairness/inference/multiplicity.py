"""More than one question asked: p values that say what they say of a whole family."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidParameterError
from faircmr.fairness.inference.groups import FloatArray


def holm(p_values: npt.ArrayLike) -> FloatArray:
    """Holm's adjusted p values; rejecting those at most 5 % errs anywhere in the family 5 % of the time at most.

    Args:
        p_values: In 0..1, shape ``(..., family)``: the last axis is the family, declared before the run (ravel
            strategies and groups to make them one); leading axes are families apart. NaN is a question that could
            not be asked and counts for nothing.

    Returns:
        Same shape, NaN where it was.

    Raises:
        InvalidParameterError: A p value outside 0..1.

    Source:
        Holm 1979. As ``statsmodels.stats.multitest.multipletests(method="holm")``, which takes neither NaN nor axes.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    if ((raw < 0.0) | (raw > 1.0)).any():
        raise InvalidParameterError("p_values", raw[(raw < 0.0) | (raw > 1.0)][0], "0..1, or NaN where untestable")
    order = np.argsort(raw, axis=-1)  # NaN comes last and so holds nothing up
    hypotheses = np.isfinite(raw).sum(axis=-1, keepdims=True)
    stepped = np.take_along_axis(raw, order, axis=-1) * (hypotheses - np.arange(raw.shape[-1]))
    adjusted = np.empty_like(raw)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(stepped, axis=-1), 1.0), axis=-1)
    return adjusted
