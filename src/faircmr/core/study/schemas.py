"""Schemas of the tables of a study: columns, types, and validation whose errors quote no value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from faircmr.core import (
    OMISSION_TYPES,
    InvalidCohortError,
    InvalidParameterError,
    InvalidScoresError,
    InvalidSplitError,
    validate_omissions,
)
from faircmr.core.scans import LEFT_OUT_TYPES, VOLUME_TYPES, Phase, Structure, validate_left_out, validate_volumes
from faircmr.core.study.splitting import SPLITS, check_disjoint
from faircmr.core.study.usable_scans import QUARANTINE_TYPES, validate_quarantine

SUBJECT_TYPES = {"subject_id": "str", "protected_group": "str"}
"""One row a subject; audit attributes and covariates follow as the source gives them."""
SCAN_TYPES = {
    "subject_id": "str",
    "phase": "str",
    "labelled": "bool",
    "fingerprint": "str",
    "structures": "str",
    "slices": "int64",
    "rows": "int64",
    "columns": "int64",
    "spacing_slice": "float64",
    "spacing_row": "float64",
    "spacing_column": "float64",
    "unit": "str",
    "label_grid": "str",
    "cropped_slices": "int64",
    "cropped_rows": "int64",
    "cropped_columns": "int64",
    "foreground_mean": "float64",
    "foreground_sd": "float64",
    "foreground_percentile_00_5": "float64",
    "foreground_median": "float64",
    "foreground_percentile_99_5": "float64",
}
"""One row a scan; without a label ``structures`` and ``label_grid`` are empty, and values of the foreground missing."""
SPLIT_TYPES = {"subject_id": "str", "split": "str"}
"""One row a subject, or, with a column ``fold`` (int64), one a subject and fold."""
SCORE_TYPES = {
    "strategy": "category",
    "seed": "Int64",
    "fold": "Int64",
    "study_key": "category",
    "subject_id": "str",
    "phase": "category",
    "structure": "category",
    "metric": "category",
    "value": "float64",
}
"""One row a strategy, seed, scan, structure and metric; ``seed`` is missing where all seeds predicted together,
``fold`` without cross-validation. Few texts that repeat are categories, which take a byte a row and not ten."""


def validate_subjects(subjects: pd.DataFrame) -> pd.DataFrame:
    """Check the subject index.

    Args:
        subjects: Columns of :data:`SUBJECT_TYPES`, and any attributes; ``age`` in years.

    Returns:
        The table with those columns in those types.

    Raises:
        InvalidCohortError: Names the column, what was expected and in how many rows it fails.
    """
    # pandera takes half a second to import, which a run that finds nothing to do does not have
    from pandera.pandas import Column

    from faircmr.core.study import table_checks as checks

    columns = {
        **checks.required_columns(SUBJECT_TYPES, {"protected_group": checks.FILLED}),
        "age": Column("float64", checks.YEARS, coerce=True, required=False, nullable=True),
    }
    return checks.check_table("subjects", subjects, checks.table_schema(columns, ["subject_id"]), InvalidCohortError)


def validate_scans(scans: pd.DataFrame) -> pd.DataFrame:
    """Check the table of scans.

    Args:
        scans: Columns of :data:`SCAN_TYPES`.

    Returns:
        As :func:`validate_subjects`.

    Raises:
        InvalidCohortError: As for :func:`validate_subjects`.
    """
    from pandera.pandas import Column

    from faircmr.core.study import table_checks as checks

    foreground = [name for name in SCAN_TYPES if name.startswith("foreground_")]
    sizes = [name for name, kind in SCAN_TYPES.items() if kind != "str" and name not in {"labelled", *foreground}]
    columns = {
        **checks.required_columns(
            SCAN_TYPES, {**dict.fromkeys(sizes, checks.ABOVE_ZERO), "phase": checks.one_of(Phase)}
        ),
        **{name: Column("float64", coerce=True, nullable=True) for name in foreground},
    }
    return checks.check_table("scans", scans, checks.table_schema(columns, ["subject_id", "phase"]), InvalidCohortError)


def validate_splits(splits: pd.DataFrame) -> pd.DataFrame:
    """Check splits: nobody is in two of them.

    Args:
        splits: Columns of :data:`SPLIT_TYPES`.

    Returns:
        As :func:`validate_subjects`.

    Raises:
        InvalidSplitError: As for :func:`validate_subjects`, or says how many subjects stand in two splits.
    """
    from pandera.pandas import Column

    from faircmr.core.study import table_checks as checks

    columns = {
        **checks.required_columns(SPLIT_TYPES, {"split": checks.one_of(SPLITS)}),
        "fold": Column("int64", checks.NOT_NEGATIVE, coerce=True, required=False),
    }
    checked = checks.check_table("splits", splits, checks.table_schema(columns, []), InvalidSplitError)
    check_disjoint(checked)
    return checked


def validate_scores(scores: pd.DataFrame) -> pd.DataFrame:
    """Check scores: one value for each model, scan, structure and metric.

    Args:
        scores: Columns of :data:`SCORE_TYPES`; metric ``dsc`` in 0..1.

    Returns:
        As :func:`validate_subjects`.

    Raises:
        InvalidScoresError: As for :func:`validate_subjects`.
    """
    from pandera.pandas import Column

    from faircmr.core.study import table_checks as checks

    names = {"phase": checks.one_of(Phase), "structure": checks.one_of(structure.name for structure in Structure)}
    columns = {
        **checks.required_columns(SCORE_TYPES, names),
        "seed": Column("Int64", coerce=True, nullable=True),
        "fold": Column("Int64", checks.NOT_NEGATIVE, coerce=True, nullable=True),
    }
    unique = [name for name in SCORE_TYPES if name not in {"study_key", "value"}]
    checked = checks.check_table("scores", scores, checks.table_schema(columns, unique), InvalidScoresError)
    outside = int(((checked["metric"] == "dsc") & ~checked["value"].between(0.0, 1.0)).sum())
    if outside:
        found = f"dsc fails in {outside} of {len(checked)} rows"
        raise InvalidScoresError("scores", found, "dsc in 0..1", "divide percentages by 100")
    return checked


@dataclass(frozen=True)
class TableSchema:
    """One kind of table.

    Attributes:
        types: Its columns and their pandas types.
        validate: Returns the table with those columns in those types, or raises.
    """

    types: Mapping[str, str]
    validate: Callable[[pd.DataFrame], pd.DataFrame]

    def empty(self) -> pd.DataFrame:
        """The table without rows."""
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in self.types.items()})


SCHEMAS = {
    "subjects": TableSchema(SUBJECT_TYPES, validate_subjects),
    "scans": TableSchema(SCAN_TYPES, validate_scans),
    "quarantine": TableSchema(QUARANTINE_TYPES, validate_quarantine),
    "omissions": TableSchema(OMISSION_TYPES, validate_omissions),
    "splits": TableSchema(SPLIT_TYPES, validate_splits),
    "scores": TableSchema(SCORE_TYPES, validate_scores),
    "volumes": TableSchema(VOLUME_TYPES, validate_volumes),
    "left_out": TableSchema(LEFT_OUT_TYPES, validate_left_out),
}
"""Tables by the name that the catalog gives their schema."""


def schema_named(name: str) -> TableSchema:
    """Schema of a table.

    Raises:
        InvalidParameterError: There is none of this name.
    """
    if name not in SCHEMAS:
        raise InvalidParameterError("schema", repr(name), f"one of: {', '.join(SCHEMAS)}")
    return SCHEMAS[name]
