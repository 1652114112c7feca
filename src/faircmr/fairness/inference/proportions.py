"""95 % intervals of proportions, of independent units and of units that come in clusters."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Z = NormalDist().inv_cdf(0.975)


class Proportion(NamedTuple):
    """A share and its 95 % interval, all in 0..1; NaN where there is nothing to take a share of.

    Attributes:
        value: The share.
        low: Lower end.
        high: Upper end.
        n: Units.
    """

    value: float
    low: float
    high: float
    n: int


def wilson(value: float, n: float) -> tuple[float, float]:
    """Wilson's score interval.

    Args:
        value: Share of hits, 0..1.
        n: Independent units, more than 0; need not be whole.

    Returns:
        Lower and upper end, 0..1.

    Source:
        Wilson 1927; method 3 of Newcombe 1998.
    """
    middle = (value + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * float(np.sqrt(value * (1 - value) / n + Z**2 / (4 * n**2)))
    # rounding must not leave a share of 0 or 1 outside of its own interval
    return max(0.0, min(middle - half, value)), min(1.0, max(middle + half, value))


def clustered_proportion(hits: npt.ArrayLike, units: npt.ArrayLike) -> Proportion:
    """Share of hits over all clusters, with an interval in which a cluster counts for what it tells.

    Wilson's interval of as many independent units as are worth the dependent ones: their number over the design
    effect. A bootstrap over clusters would need a seed, and has no width where every unit is a hit, as it often is
    in a small group; this has. Clusters of one unit each give Wilson's interval itself.

    Args:
        hits: Of each cluster, shape (clusters,).
        units: Of each cluster, at least as many, shape (clusters,); a cluster without units is left out.

    Returns:
        The share; ``n`` is the number of units.

    Source:
        Rao and Scott 1992 for the variance (a ratio of two sums over clusters); Kish 1965 for the design effect;
        Saha, Miller and Wang 2016 for Wilson's interval with it.
    """
    counts = np.asarray(units, dtype=np.float64)
    found, sizes = np.asarray(hits, dtype=np.float64)[counts > 0], counts[counts > 0]
    total = float(sizes.sum())
    if not total:
        return Proportion(float("nan"), float("nan"), float("nan"), 0)
    value = float(found.sum()) / total
    return Proportion(value, *wilson(value, total / _design_effect(found, sizes, value)), int(total))


def _design_effect(hits: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], value: float) -> float:
    """Variance over that of as many independent units; at least 1, because units of a cluster do not repel."""
    clusters, total = len(sizes), float(sizes.sum())
    if clusters == 1 or value in {0.0, 1.0}:
        # nothing varies between clusters, which says nothing about how alike the units of one are: one unit each
        return total / clusters
    variance = clusters / (clusters - 1) * float(((hits - value * sizes) ** 2).sum()) / total**2
    return max(1.0, variance / (value * (1 - value) / (total - 1)))
