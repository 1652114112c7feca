"""How large a difference is, and what a strategy changed for each group.

Changes are paired (the same subject under two strategies). :func:`faircmr.fairness.inference.bootstrap.bootstrap_t`
of them gives their intervals: ``groups.interval`` of each group by itself, ``region`` of all groups at once,
``mean_of_groups.interval`` of their mean; :func:`change_of_worst` is here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faircmr.fairness.inference.groups import FloatArray, Groups, Interval, checked_scores
from faircmr.fairness.inference.resampling import Moments, standardised
from faircmr.fairness.inference.verdict import check_alpha


@dataclass(frozen=True)
class EffectSizes:
    """Of each group against everybody else.

    Attributes:
        estimates: Shape ``(..., groups)``; NaN where they cannot be told.
        low: Lower end of the interval, same shape.
        high: Upper end.
    """

    estimates: FloatArray
    low: FloatArray
    high: FloatArray


def hedges_g(values: npt.ArrayLike, groups: Groups, alpha: float = 0.05) -> EffectSizes:
    """Difference of means over the pooled SD, less its bias in small samples.

    Where group and rest differ in size by much, the pooled SD is almost that of the larger.

    Args:
        values: One score a subject, shape ``(..., subjects)``, any unit.
        groups: Of the same subjects.
        alpha: One less the confidence of the interval, above 0 and below 1.

    Returns:
        Positive where the group is scored higher, in SD; 0 where all scores are equal, NaN for a group of one, and
        infinite without an interval (NaN) where neither the group nor the rest has any spread. The interval is for
        scores near normal and large samples: it describes, the permutation tests decide.

    Raises:
        InvalidScoresError: Another number of subjects, or a score that is not finite.
        InvalidParameterError: ``alpha`` outside of its range.

    Source:
        Hedges 1981 for the correction; Hedges and Olkin 1985 for the interval, as
        ``pingouin.compute_effsize(eftype="hedges")`` and ``compute_esci``.
    """
    from scipy.stats import t

    check_alpha(alpha)
    scores = checked_scores(values, groups)
    inside = Moments.of(standardised(scores.reshape(-1, scores.shape[-1])), groups.membership)
    outside = inside.rest()
    total, free = inside.sizes + outside.sizes, inside.sizes + outside.sizes - 2.0
    pooled = ((inside.sizes - 1) * inside.variances + (outside.sizes - 1) * outside.variances) / free
    with np.errstate(divide="ignore", invalid="ignore"):
        cohen = np.where(inside.means == outside.means, 0.0, (inside.means - outside.means) / np.sqrt(pooled))
    estimates = np.where(np.isnan(pooled), np.nan, cohen * (1.0 - 3.0 / (4.0 * total - 9.0)))
    bounded = np.where(np.isinf(estimates), np.nan, estimates)
    half = t.isf(alpha / 2, free) * np.sqrt(total / (inside.sizes * outside.sizes) + bounded**2 / (2.0 * total))
    shape = (*scores.shape[:-1], -1)
    return EffectSizes(*(array.reshape(shape) for array in (estimates, bounded - half, bounded + half)))


def probability_of_superiority(values: npt.ArrayLike, groups: Groups, alpha: float = 0.05) -> EffectSizes:
    """Chance that a subject of a group is scored higher than one of the rest, ties counted half.

    Args:
        values: As for :func:`hedges_g`.
        groups: As there.
        alpha: As there.

    Returns:
        In 0..1; 0.5 is even. The interval is cut at 0 and 1; NaN for a group of one, where all scores are equal, and
        where every subject of the group lies on one side of the rest.

    Raises:
        InvalidScoresError: As for :func:`hedges_g`.
        InvalidParameterError: As there.

    Source:
        Brunner and Munzel 2000, by ``statsmodels.stats.nonparametric.rank_compare_2indep``. Without ties it is the
        common language effect size of McGraw and Wong 1992.
    """
    from statsmodels.stats.nonparametric import rank_compare_2indep

    check_alpha(alpha)
    scores = checked_scores(values, groups)
    found = np.empty((3, len(groups.names), *scores.shape[:-1]))
    for group in range(len(groups.names)):
        inside = groups.codes == group
        for at in np.ndindex(scores.shape[:-1]):
            with np.errstate(divide="ignore", invalid="ignore"):
                compared = rank_compare_2indep(scores[at][inside], scores[at][~inside])
                found[(slice(None), group, *at)] = compared.prob1, *compared.conf_int(alpha=alpha)
    estimates, low, high = np.moveaxis(found, 1, -1)
    return EffectSizes(estimates, np.maximum(low, 0.0), np.minimum(high, 1.0))


def change_of_worst(baseline: npt.ArrayLike, changes: Interval) -> Interval:
    """Change of the worst group's mean, whichever group is the worst before and after.

    Whoever was worst has become no better than its own change makes it, and the new worst group was no better before
    than its own change made it: the worst mean changed by no less than the least change of a group and by no more than
    the greatest. Both are read from the region, which also holds the changes of all groups.

    Args:
        baseline: Mean of each group under the baseline, shape ``(groups,)``.
        changes: Simultaneous intervals of the groups' changes (``region``), shape ``(..., groups)``.

    Returns:
        In the unit of the scores, shape ``(...)``.
    """
    before = np.asarray(baseline, dtype=np.float64)
    estimate = (before + changes.estimate).min(axis=-1) - before.min()
    return Interval(changes.low.min(axis=-1), estimate, changes.high.max(axis=-1))
