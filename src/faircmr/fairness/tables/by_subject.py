"""One row a subject: the unit of every table and test.

A study key lists the parts of a study with a digest each, ``training:1a2b plans:3c4d splits:5e6f``,
so that a refusal can name the part that differs.

Phases and structures of one heart are not independent, and neither are repeated trainings scored
on the same heart; they are brought together here, before anything is averaged over people.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from faircmr.core import PROTECTED_GROUP, InvalidCohortError, InvalidScoresError, StudyMismatchError
from faircmr.core.scans import Phase, Structure
from faircmr.core.study import validate_scores
from faircmr.fairness.metrics import Metric


def compose_study_key(digests: Mapping[str, str]) -> str:
    """Join the digests of a study's parts, sorted by name.

    Args:
        digests: Digest of each part (``training``, ``plans``, ``splits``, ``cohort``); neither
            names nor digests hold spaces or colons.

    Returns:
        The study key.
    """
    return " ".join(f"{name}:{digests[name]}" for name in sorted(digests))


def check_same_study(study_keys: Mapping[str, str]) -> None:
    """Refuse to compare results of different studies.

    Args:
        study_keys: Study key of each strategy.

    Raises:
        StudyMismatchError: Two strategies have different keys; names both and the parts that differ.
    """
    names = list(study_keys)
    for name in names[1:]:
        differing = _differing_parts(study_keys[names[0]], study_keys[name])
        if differing:
            raise StudyMismatchError(
                f"{names[0]} and {name}",
                f"scored under different {', '.join(differing)}",
                "strategies of one study in one table",
                "run both again with the same settings",
            )


def _differing_parts(first: str, second: str) -> list[str]:
    parts, others = _digests(first), _digests(second)
    return sorted(name for name in parts.keys() | others.keys() if parts.get(name) != others.get(name))


def _digests(study_key: str) -> dict[str, str]:
    return {name: digest for name, _, digest in (part.partition(":") for part in study_key.split())}


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
    _raise_invalid_rows(int(index.index.duplicated().sum()), "repeated in the subject index", "one row a subject")
    _raise_invalid_rows(
        int((~subject_ids.isin(index.index)).sum()), "not in the subject index", "scores of this study's subjects"
    )
    found = index.loc[subject_ids]
    _raise_invalid_rows(int(found[PROTECTED_GROUP].isna().sum()), "without a protected group", "one group a subject")
    return found


def _raise_invalid_rows(count: int, what: str, permitted: str) -> None:
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
