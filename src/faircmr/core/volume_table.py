"""Volumes of the segmented structures as a table: one row a frame."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.cine_prediction import SubjectRecord
from faircmr.core.errors import InvalidCohortError, InvalidScoresError

logger = logging.getLogger(__name__)

VOLUME_TYPES = {
    "subject_id": "str",
    "frame": "Int64",
    "phase": "str",
    "lvbp_ml": "float64",
    "lvm_ml": "float64",
    "rvbp_ml": "float64",
    "problem": "str",
}
"""One row a frame, or one a subject that could not be predicted; all but ``subject_id`` may be missing."""
LOOK_UP = "01_raw/predict_key.csv says which files"


def tabulate_volumes(records: Mapping[str, SubjectRecord]) -> pd.DataFrame:
    """Volumes of every frame of every subject, and the subjects that could not be predicted.

    Args:
        records: By study key.

    Returns:
        One row a frame: ``subject_id``, ``frame`` (from 0; missing for a frame that stands alone),
        ``phase`` (``ED``, ``ES`` or missing), ``lvbp_ml``, ``lvm_ml``, ``rvbp_ml`` (missing where the study
        does not have the structure), ``problem`` (missing). A subject that could not be predicted has one
        row with nothing but its ``problem``.

    Raises:
        InvalidCohortError: Not one subject could be predicted.
    """
    problems = {one.subject_id: one.problem for one in records.values() if one.problem}
    _report(records, problems)
    rows = [
        {"subject_id": one.subject_id, **frame, "problem": one.problem or None}
        for one in records.values()
        for frame in [frame.model_dump(mode="json") for frame in one.frames] or [{}]
    ]
    return pd.DataFrame(rows, columns=list(VOLUME_TYPES)).astype(VOLUME_TYPES)


def _report(records: Mapping[str, SubjectRecord], problems: Mapping[str, str]) -> None:
    if problems and len(problems) == len(records):
        first, problem = next(iter(problems.items()))
        raise InvalidCohortError(
            "predict_root", f"none of {len(records)} subjects can be predicted", f"{first}: {problem}", LOOK_UP
        )
    for subject_id, problem in problems.items():
        logger.warning("%s is left out: %s", subject_id, problem)
    if problems:
        logger.warning("%d of %d subjects are left out; %s", len(problems), len(records), LOOK_UP)
    unclear = [one.subject_id for one in records.values() if one.without_phases]
    if unclear:
        logger.warning(
            "%d of %d subjects have no ED and ES, because no two frames show a left ventricle of different size: %s",
            len(unclear),
            len(records),
            ", ".join(unclear),
        )


def validate_volumes(volumes: pd.DataFrame) -> pd.DataFrame:
    """Check a table of volumes.

    Args:
        volumes: Columns of :data:`VOLUME_TYPES`; volumes in millilitres.

    Returns:
        The table with those columns in those types.

    Raises:
        InvalidScoresError: Names the column, what was expected and in how many rows it fails.
    """
    # pandera takes half a second to import, which a run that finds nothing to do does not have
    from pandera.pandas import Column

    from faircmr.core import table_checks as checks

    numbers = {name: checks.NOT_NEGATIVE for name, kind in VOLUME_TYPES.items() if kind in {"Int64", "float64"}}
    tested = {**numbers, "phase": checks.one_of(Phase)}
    columns = {
        name: Column(kind, tested.get(name), coerce=True, nullable=name != "subject_id")
        for name, kind in VOLUME_TYPES.items()
    }
    unique = ["subject_id", "frame", "phase"]
    return checks.check_table("volumes", volumes, checks.table_schema(columns, unique), InvalidScoresError)
