"""A row of the paper's Table 2: protected groups side by side, and three measures over them."""

from __future__ import annotations

import pandas as pd

from faircmr.fairness.disaggregate import group_averages
from faircmr.fairness.disparity import disparity_sd, skewed_error_ratio

AVERAGE, SD, SER = MEASURES = ("Avg", "SD", "SER")
"""Over groups: unweighted mean in percent, SD (``ddof=1``) in percentage points, skewed error ratio."""


def group_row(scores: pd.DataFrame, subjects: pd.DataFrame) -> dict[str, float]:
    """Mean DSC of each protected group, and the measures over groups.

    Args:
        scores: Long scores of one strategy; those of several seeds are averaged within a subject first.
        subjects: Subject index: ``subject_id`` and ``protected_group``.

    Returns:
        By name: each group of the subject index in percent, then :data:`MEASURES`. A group without scored subjects is
        NaN and left out of the measures.

    Raises:
        InvalidScoresError: Scores cannot be used, or fewer than two groups have any.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Scores of more than one strategy or study.
    """
    averages = group_averages(scores, subjects)
    scored = averages.dropna().to_numpy()
    return {
        **{str(group): 100.0 * value for group, value in averages.items()},
        AVERAGE: 100.0 * float(scored.mean()),
        SD: 100.0 * float(disparity_sd(scored)),
        SER: float(skewed_error_ratio(scored)),
    }
