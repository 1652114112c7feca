"""The usual intervals, which benchmarks/interval_coverage.py shows beside those that the project uses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.stats import norm, t

from faircmr.fairness.inference import BootstrapT, Groups, Interval

Array = npt.NDArray[np.float64]
Measure = Callable[[Array], Array]
TAIL = 0.025


def student(means: BootstrapT, sizes: npt.NDArray[np.int64]) -> Interval:
    """Of each group mean by itself."""
    half = t.ppf(1 - TAIL, sizes - 1) * means.observed.standard_errors
    return Interval(means.observed.values - half, means.observed.values, means.observed.values + half)


def percentile(measure: Measure, means: BootstrapT) -> Interval:
    """Quantiles of a measure of the resampled group means."""
    low, high = np.quantile(measure(means.resampled.values), [TAIL, 1 - TAIL], axis=0)
    return Interval(low, measure(means.observed.values), high)


def bca(measure: Measure, means: BootstrapT, scores: Array, groups: Groups) -> Interval:
    """Bias-corrected and accelerated, of several samples, as ``scipy.stats.bootstrap`` has it (Efron 1987)."""
    estimate, drawn = measure(means.observed.values), np.sort(measure(means.resampled.values), axis=0)
    draws = len(drawn)
    bias = norm.ppf(np.clip((drawn < estimate).mean(axis=0), 0.5 / draws, 1 - 0.5 / draws))
    acceleration = _acceleration(measure, means.observed.values, scores, groups)
    ends = []
    for z in (bias + norm.ppf(TAIL), bias + norm.ppf(1 - TAIL)):
        place = norm.cdf(bias + z / (1 - acceleration * z)) * (draws - 1)
        ends.append(np.take_along_axis(drawn, np.rint(place).astype(int)[None], axis=0)[0])
    return Interval(ends[0], estimate, ends[1])


def _acceleration(measure: Measure, group_means: Array, scores: Array, groups: Groups) -> Array:
    """Skewness of the jackknife values, each subject left out of its group in turn."""
    sizes = groups.sizes[groups.codes]
    own = group_means[..., groups.codes]
    moved = (own - scores) / (sizes - 1)
    without = measure(np.clip(group_means[..., None, :] + moved[..., None] * groups.membership, 0.0, 1.0))
    influence = (sizes - 1) * (groups.means(without)[..., groups.codes] - without)
    shares = influence / sizes
    return np.asarray((shares**3).sum(axis=-1) / 6 / (shares**2).sum(axis=-1) ** 1.5)
