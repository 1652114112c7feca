"""One row a subject: the unit of every table and test.

Phases and structures of one heart are not independent, and neither are repeated trainings scored
on the same heart; they are brought together here, before anything is averaged over people.
"""

from __future__ import annotations

import pandas as pd

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.columns import PROTECTED_GROUP
from faircmr.core.errors import InvalidCohortError, InvalidScoresError, StudyMismatchError
from faircmr.core.schemas import validate_scores
from faircmr.fairness.metrics.scan import Metric

CELLS = tuple(f"{phase.value} {structure.name}" for phase in Phase for structure in Structure)
"""Columns of Table 1; in the paper ED LVBP, ED LVM, ED RVBP, ES LVBP, ES LVM, ES RVBP."""
AVERAGE = "Avg"


def cells_of(scores: pd.DataFrame) -> list[str]:
    """Those of :data:`CELLS` whose phase and whose structure any score is of: a study need not have all."""
    had = {*scores["phase"].unique(), *scores["structure"].unique()}
    return [cell for cell in CELLS if had.issuperset(cell.split())]


def cell_of_each(scores: pd.DataFrame) -> pd.Series[str]:
    """Phase and structure of every row, as in :data:`CELLS`; the series is called ``cell``."""
    return (scores["phase"].astype("str") + " " + scores["structure"].astype("str")).rename("cell")


def subject_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Dice of each subject in each phase and structure, and its mean.

    Args:
        scores: Long scores of one strategy, metric ``dsc`` in 0..1; other metrics are ignored.

    Returns:
        Index ``subject_id`` (sorted), columns :func:`cells_of` the scores and ``Avg``, in 0..1. A value is the mean
        over the seeds and folds that scored the subject. NaN where a subject has no such phase or
        structure; ``Avg`` is the mean of the cells that the subject has.

    Raises:
        InvalidScoresError: No scores, repeated rows, NaN, or values outside 0..1.
        StudyMismatchError: Scores of more than one strategy or study.
    """
    dice = _checked(scores)
    means = dice["value"].groupby([dice["subject_id"], cell_of_each(dice)]).mean()
    cells = means.unstack("cell").reindex(columns=pd.Index(cells_of(scores)))
    return cells.assign(**{AVERAGE: cells.mean(axis="columns")})


def attributes_of(subject_ids: pd.Index, subjects: pd.DataFrame) -> pd.DataFrame:
    """Attributes of the scored subjects, in their order.

    Args:
        subject_ids: Subjects that have scores.
        subjects: One row a subject: ``subject_id``, ``protected_group`` and further attributes.

    Returns:
        The rows of ``subjects`` with index ``subject_id``.

    Raises:
        InvalidCohortError: A subject has two rows, no row, or no protected group; says how many, not who.
    """
    index = subjects.set_index("subject_id")
    _refuse(int(index.index.duplicated().sum()), "repeated in the subject index", "one row a subject")
    _refuse(int((~subject_ids.isin(index.index)).sum()), "not in the subject index", "scores of this study's subjects")
    found = index.loc[subject_ids]
    _refuse(int(found[PROTECTED_GROUP].isna().sum()), "without a protected group", "one group a subject")
    return found


def _refuse(count: int, what: str, permitted: str) -> None:
    if count:
        raise InvalidCohortError("scored subjects", f"{count} {what}", permitted)


def _checked(scores: pd.DataFrame) -> pd.DataFrame:
    dice = scores[scores["metric"] == Metric.DSC]
    if dice.empty:
        raise InvalidScoresError("scores", "no rows of metric dsc", "some scored subjects", "run a strategy first")
    for column in ("strategy", "study_key"):
        if dice[column].nunique() > 1:
            raise StudyMismatchError("scores", f"more than one {column}", "scores of one strategy in one study")
    return validate_scores(dice)
