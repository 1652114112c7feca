"""The paper's Table 2: strategies side by side, group by group."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from faircmr.core.errors import InvalidCohortError, InvalidScoresError, StudyMismatchError
from faircmr.fairness.disaggregate import group_averages
from faircmr.fairness.disparity import disparity_sd, skewed_error_ratio
from faircmr.fairness.study_key import check_same_study


def table2(scores_by_strategy: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Compare the strategies that have scores.

    Args:
        scores_by_strategy: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index: ``subject_id`` and ``protected_group``.

    Returns:
        One row a strategy: ``strategy``, the mean DSC of each protected group and their unweighted
        mean ``Avg`` in percent, ``SD`` over groups (``ddof=1``) in percentage points, and ``SER``
        (a ratio). A group without scored subjects is NaN and left out of the last three.

    Raises:
        InvalidScoresError: No strategy has scores, scores cannot be used, or fewer than two groups have any.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies were trained under different settings or scored on different
            subjects; names what differs.
    """
    ran = {name: scores for name, scores in scores_by_strategy.items() if not scores.empty}
    if not ran:
        raise InvalidScoresError("table2", "no strategy has scores", "at least one strategy", "run a strategy first")
    check_same_study({name: str(scores["study_key"].iloc[0]) for name, scores in ran.items()})
    _check_same_subjects(ran)
    _check_groups(subjects, set().union(*(scores["subject_id"] for scores in ran.values())))
    return pd.DataFrame([_row(name, group_averages(scores, subjects)) for name, scores in ran.items()])


def _row(strategy: str, averages: pd.Series[float]) -> dict[str, str | float]:
    scored = averages.dropna().to_numpy()
    return {
        "strategy": strategy,
        **{str(group): 100.0 * value for group, value in averages.items()},
        "Avg": 100.0 * float(scored.mean()),
        "SD": 100.0 * float(disparity_sd(scored)),
        "SER": float(skewed_error_ratio(scored)),
    }


def _check_groups(subjects: pd.DataFrame, scored: set[str]) -> None:
    groups = set(subjects.loc[subjects["subject_id"].isin(scored), "protected_group"].dropna())
    if len(groups) == 1:
        raise InvalidScoresError(
            "table2",
            f"scores of one protected group alone ({groups.pop()})",
            "at least two groups to compare",
            "choose a protected attribute with more values, or a split that tests more groups",
        )
    taken = sorted({"strategy", "Avg", "SD", "SER"} & groups)
    if taken:
        raise InvalidCohortError(
            "protected group", repr(taken[0]), "a name that is no column of Table 2", "rename the group in the source"
        )


def _check_same_subjects(ran: Mapping[str, pd.DataFrame]) -> None:
    first, *others = ran
    expected = set(ran[first]["subject_id"])
    for name in others:
        differing = len(expected.symmetric_difference(ran[name]["subject_id"]))
        if differing:
            raise StudyMismatchError(
                f"{first} and {name}",
                f"{differing} subjects scored in one and not in the other",
                "the same test subjects for every strategy",
                "run the one that is incomplete again",
            )
