"""The paper's Table 2: strategies side by side, group by group."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from faircmr.fairness.comparable import SEED_SD, SEEDS, comparable
from faircmr.fairness.group_row import MEASURES, group_row
from faircmr.fairness.seeds import seed_spread, table2_by_seed


def table2(scores_by_strategy: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Compare the strategies that have scores.

    A subject's scores are averaged over training seeds first, then subjects over a group, and the measures are of
    those means. So ``SD`` is not the mean over seeds of the SD of one training (which chance in training makes
    larger): that one is ``SD_seed_mean`` of :func:`faircmr.fairness.seeds.seed_spread`. ``SD_seed_sd`` is how far the
    SD of one training spreads over trainings, and not the error of ``SD``.

    Args:
        scores_by_strategy: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index: ``subject_id`` and ``protected_group``.

    Returns:
        One row a strategy: ``strategy``, the mean DSC of each protected group and their unweighted
        mean ``Avg`` in percent, ``SD`` over groups (``ddof=1``) in percentage points, ``SER``
        (a ratio), and ``seeds``, how many trainings were averaged (1 where the models of all seeds predicted
        together). A group without scored subjects is NaN and left out of the measures. Where a strategy has two
        seeds at least, ``Avg_seed_sd``, ``SD_seed_sd`` and ``SER_seed_sd`` follow: the SD over seeds (``ddof=1``) of
        the measure of one seed alone, NaN for a strategy with one seed.

    Raises:
        InvalidScoresError: No strategy has scores, scores cannot be used, or fewer than two groups have any.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies were trained under different settings, or strategies or seeds scored on
            different subjects; names what differs.
    """
    ran = comparable(scores_by_strategy, subjects)
    table = pd.DataFrame([{"strategy": name, **group_row(scores, subjects)} for name, scores in ran.items()])
    spread = seed_spread(table2_by_seed(ran, subjects))
    repeated = [name + SEED_SD for name in MEASURES] if (spread[SEEDS] > 1).any() else []
    return table.join(spread[[SEEDS, *repeated]])
