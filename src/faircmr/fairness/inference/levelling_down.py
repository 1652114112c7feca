"""What a strategy did to each group: evenness may have been bought by segmenting somebody's heart worse.

Changes are paired (the same subject under two strategies). :func:`faircmr.fairness.inference.bootstrap_t.bootstrap_t`
of them gives their intervals: ``groups.interval`` of each group by itself, ``region`` of all groups at once,
``mean_of_groups.interval`` of their mean; :func:`change_of_worst` is here.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.fairness.inference.interval import Interval


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
