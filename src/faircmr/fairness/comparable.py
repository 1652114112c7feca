"""Which strategies can stand in one table: those of one study, scored on the same subjects."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from faircmr.core.errors import InvalidCohortError, InvalidScoresError, StudyMismatchError
from faircmr.fairness.group_row import MEASURES
from faircmr.fairness.study_key import check_same_study

SEEDS, SEED_MEAN, SEED_SD = "seeds", "_seed_mean", "_seed_sd"
"""Column of how many training seeds there were, and what is appended to the name of a number over them."""
TAKEN = {"strategy", "seed", SEEDS, *MEASURES, *(name + SEED_SD for name in MEASURES)}
"""Columns of Table 2 that are no groups."""


def comparable(scores_by_strategy: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Scores of the strategies that have any, if they can be compared.

    Args:
        scores_by_strategy: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index: ``subject_id`` and ``protected_group``.

    Returns:
        Those that ran, in the order given.

    Raises:
        InvalidScoresError: No strategy has scores, or they are of one group alone.
        InvalidCohortError: A group has the name of a column of Table 2.
        StudyMismatchError: Strategies were trained under different settings or scored on different
            subjects; names what differs.
    """
    ran = {name: scores for name, scores in scores_by_strategy.items() if not scores.empty}
    if not ran:
        raise InvalidScoresError("table2", "no strategy has scores", "at least one strategy", "run a strategy first")
    check_same_study({name: str(scores["study_key"].iloc[0]) for name, scores in ran.items()})
    _check_same_subjects(ran)
    _check_groups(subjects, set().union(*(scores["subject_id"].unique() for scores in ran.values())))
    return ran


def _check_groups(subjects: pd.DataFrame, scored: set[str]) -> None:
    groups = set(subjects.loc[subjects["subject_id"].isin(scored), "protected_group"].dropna())
    if len(groups) == 1:
        raise InvalidScoresError(
            "table2",
            f"scores of one protected group alone ({groups.pop()})",
            "at least two groups to compare",
            "choose a protected attribute with more values, or a split that tests more groups",
        )
    taken = sorted(TAKEN & groups)
    if taken:
        raise InvalidCohortError(
            "protected group", repr(taken[0]), "a name that is no column of Table 2", "rename the group in the source"
        )


def _check_same_subjects(ran: Mapping[str, pd.DataFrame]) -> None:
    first, *others = ran
    expected = set(ran[first]["subject_id"].unique())
    for name in others:
        differing = len(expected.symmetric_difference(ran[name]["subject_id"].unique()))
        if differing:
            raise StudyMismatchError(
                f"{first} and {name}",
                f"{differing} subjects scored in one and not in the other",
                "the same test subjects for every strategy",
                "run the one that is incomplete again",
            )
