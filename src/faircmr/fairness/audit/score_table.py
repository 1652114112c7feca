"""Read long, wide or nnU-Net summary score tables as one score per model, training seed and subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isnan
from typing import Any

import pandas as pd

from faircmr.core import InvalidScoresError, display_name, listed_names, unique_display_names
from faircmr.core.user_input import (
    MissingWords,
    category_text,
    describe_forms,
    has_decimal_commas,
    identifier_text,
    parse_json,
    read_numbers,
    subject_and_phase,
)
from faircmr.fairness.audit.parameters import AuditColumns

ONE_MODEL = "model"
"""Name of the model of a table that names none."""
CELL = "cell"
TOLERANCE = 1e-6
"""How far outside 0..1 a score may be: eight steps of a 32-bit float at 1, as a smoothed Dice of a perfect mask may be.
Such a score counts as 0 or 1."""
LEAST_PERCENTAGE = 2.0
"""Above it the largest score is taken for a percentage."""
MISSED = (
    "write 0 where a model missed a structure; where there is no structure, use a table of one score a row without it"
)
ScoresByModel = Mapping[str, pd.DataFrame]
"""Of each model the mean score of each subject (index ``subject_id``) in each training (columns), 0..1."""


def scores_by_model(table: pd.DataFrame, columns: AuditColumns, metric: str) -> dict[str, pd.DataFrame]:
    """Bring a table of scores together by model and subject.

    Args:
        table: Long, one row a score (a model, seed, subject, phase and structure), or wide, one row a model,
            seed and subject with one column a score. Scores are between 0 and 1, higher is better.
        columns: What the columns are called.
        metric: Rows of a long table with a column for the metric that are used.

    Returns:
        For each model, in the order of the table, the mean over phases and structures: index subjects (sorted,
        named ``subject_id``), one column a seed. A subject's mean is over the scores that it has: in a long table it
        need not have a row for every structure.

    Raises:
        InvalidCohortError: A file name does not say whose image it is.
        InvalidScoresError: A column is missing, rows are repeated, a score is missing, no number or outside 0..1
            (percentages are refused and not divided), or seeds of a model scored different subjects. Says how
            many rows, and names nobody.
    """
    if table.empty:
        raise InvalidScoresError("scores", "no rows", "a table of scores")
    used = _of_metric(table, columns, metric).reset_index(drop=True)
    long = _long(used, columns)
    _check_values(long)
    _check_repeated(long)
    return {str(model): _by_seed(str(model), rows) for model, rows in long.groupby("model", sort=False, observed=True)}


def _of_metric(table: pd.DataFrame, columns: AuditColumns, metric: str) -> pd.DataFrame:
    """Before anything is done with the others: a table may hold ten times as many."""
    if columns.value not in table.columns or columns.metric not in table.columns:
        return table
    kept = table[(table[columns.metric] == metric).to_numpy()]
    if kept.empty:
        known = listed_names(sorted({str(each) for each in table[columns.metric].dropna().unique()})[:10])
        raise InvalidScoresError("scores", f"no rows of metric {metric}", f"one of {known}", "set audit.metric")
    return kept


def _long(table: pd.DataFrame, columns: AuditColumns) -> pd.DataFrame:
    if columns.model in table.columns:
        models = category_text(table[columns.model], columns.words)
        _refuse(int(models.isna().sum()), len(table), "without a model", "whose each row is")
    subjects, phases = _subjects_and_phases(table, columns)
    named = pd.DataFrame(
        {
            "model": _column(table, columns.model, columns, absent=ONE_MODEL),
            "seed": _column(table, columns.seed, columns),
            "subject_id": identifier_text(subjects, columns.words).fillna(""),
        }
    )
    _refuse(int((named["subject_id"] == "").sum()), len(named), "without a subject", "whose score each row is")
    if columns.value in table.columns:
        cells = phases + " " + _column(table, columns.structure, columns)
        return named.assign(cell=cells, value=_scores_of_rows(table[columns.value], columns.words))
    return _melted(table, named.assign(phase=phases), columns)


def _subjects_and_phases(table: pd.DataFrame, columns: AuditColumns) -> tuple[pd.Series[str], pd.Series[str]]:
    if columns.subject in table.columns:
        return table[columns.subject], _column(table, columns.phase, columns)
    if columns.case not in table.columns:
        permitted = f"a column that says whose score it is, or a column {columns.case} of file names"
        raise InvalidScoresError("scores", f"no column {columns.subject}", permitted, "set audit_columns.subject")
    pattern, setting = columns.case_pattern, "audit_columns.case_pattern"
    read = [subject_and_phase(str(name), pattern, setting) for name in table[columns.case]]
    subjects, phases = zip(*read, strict=True)
    return pd.Series(subjects, index=table.index), pd.Series(phases, index=table.index)


def _column(table: pd.DataFrame, name: str, columns: AuditColumns, absent: str = "") -> pd.Series[str]:
    if name not in table.columns:
        return pd.Series(absent, index=table.index, dtype="str")
    return unique_display_names(category_text(table[name], columns.words)).fillna(absent)


def _scores_of_rows(column: pd.Series[float], words: MissingWords) -> pd.Series[float]:
    """Scores of a long table."""
    _refuse_decimal_commas(column)
    read = read_numbers(column, words)
    without = int(read.values.isna().sum())
    if without:
        forms = f" ({describe_forms(read.unread)})" if len(read.unread) else ""
        raise InvalidScoresError(
            "scores",
            f"{without} of {len(column)} rows without a number{forms}",
            "a score in every row",
            MISSED,
        )
    return read.values


def _melted(table: pd.DataFrame, named: pd.DataFrame, columns: AuditColumns) -> pd.DataFrame:
    if told := [name for name in (columns.structure, columns.metric) if name in table.columns]:
        found = f"a column {told[0]} and no column {columns.value}"
        raise InvalidScoresError(
            "scores", found, "one score a row, in one column", "set audit_columns.value to its name"
        )
    scores = table.drop(columns=[name for name in columns.names if name in table.columns])
    if scores.columns.empty:
        raise InvalidScoresError("scores", "no column of scores", f"a column {columns.value}, or one column a score")
    read = pd.DataFrame({name: _scores_of_column(scores[name], columns.words) for name in scores.columns})
    long = named.join(read).melt(list(named.columns), var_name=CELL, value_name="value")
    return long.assign(**{CELL: long["phase"] + " " + long[CELL].astype("str")})


def _scores_of_column(column: pd.Series[float], words: MissingWords) -> pd.Series[float]:
    """Scores of one column of a wide table."""
    _refuse_decimal_commas(column)
    name = display_name(str(column.name))
    read = read_numbers(column, words)
    rows, unread = len(column), read.unread
    if len(unread) and read.values.notna().sum() == 0:
        permitted = "columns of scores alone, in addition to those that audit_columns names"
        raise InvalidScoresError("scores", f"column {name} holds no numbers", permitted, "remove it")
    if len(unread):
        found = f"column {name} has {len(unread)} of {rows} values that are no numbers ({describe_forms(unread)})"
        raise InvalidScoresError("scores", found, "a number in every cell", "correct or remove these rows")
    # left out of the mean, what a model failed at altogether would make it look better
    if without := int(read.values.isna().sum()):
        found = f"no score in {without} {'row' if without == 1 else 'rows'} of column {name}, which has {rows}"
        raise InvalidScoresError("scores", found, "a score in every cell", MISSED)
    return read.values


def _check_values(long: pd.DataFrame) -> None:
    values = long["value"]
    outside = (values < -TOLERANCE) | (values > 1.0 + TOLERANCE)
    if outside.any():
        _refuse_outside(values, outside, long[CELL])
    long["value"] = values.clip(0.0, 1.0)


def _refuse_outside(values: pd.Series[float], outside: pd.Series[bool], cells: pd.Series[str]) -> None:
    largest, smallest = values.max(), values.min()
    if smallest >= -TOLERANCE and LEAST_PERCENTAGE < largest <= 100.0 + 100.0 * TOLERANCE:
        cell = display_name(str(cells.iloc[int(values.argmax())]))
        found = f"up to {largest:.4g}" + (f" in {cell}" if cell else "")
        raise InvalidScoresError("scores", found, "scores in 0..1 and nothing else", "divide percentages by 100")
    ends = " and ".join(_exact(end) for end in (smallest, largest) if not -TOLERANCE <= end <= 1.0 + TOLERANCE)
    raise InvalidScoresError(
        "scores",
        f"{int(outside.sum())} of {len(values)} rows outside 0..1, as far as {ends}",
        f"scores in 0..1, higher is better; up to {TOLERANCE:g} outside is taken for rounding",
        "correct or remove these rows",
    )


def _exact(value: float) -> str:
    """A number with all of its digits: rounded, 1.00001 would seem to be permitted."""
    return repr(float(value)).removesuffix(".0")


def _check_repeated(long: pd.DataFrame) -> None:
    repeated = int(long.duplicated(["model", "seed", "subject_id", CELL]).sum())
    _refuse(repeated, len(long), "repeated", "one row a model, seed, subject, phase and structure")


def _by_seed(model: str, rows: pd.DataFrame) -> pd.DataFrame:
    means = rows.groupby(["subject_id", "seed"])["value"].mean().unstack("seed")
    missing = int(means.isna().any(axis=1).sum())
    if missing:
        raise InvalidScoresError(
            f"scores of {model}",
            f"{missing} subjects scored in one training seed and not in another",
            "the same subjects for every seed of a model",
        )
    return means.rename_axis(columns=None)


def _refuse_decimal_commas(column: pd.Series[float]) -> None:
    if has_decimal_commas(column):
        said = f"column {display_name(str(column.name))} has commas in its numbers"
        raise InvalidScoresError("scores", said, "points in decimals", "save the table with them")


def _refuse(count: int, rows: int, what: str, permitted: str) -> None:
    if count:
        raise InvalidScoresError("scores", f"{count} of {rows} rows {what}", permitted, "correct or remove these rows")


SUMMARY = "summary.json"
BACKGROUND = "0"
"""Label of the background, which version 1 scores like any other; no model is judged by it."""
FILES = frozenset({"test", "reference"})
"""What a case of version 1 has next to its labels: the paths of prediction and reference."""
Score = tuple[str, str, str, float]


def scores_of_summary(content: bytes) -> pd.DataFrame:
    """The Dice of every case and label.

    Args:
        content: Of ``summary.json``, as nnU-Net v1 or v2 writes it when it evaluates a folder.

    Returns:
        Columns ``case`` (file name of the prediction), ``structure`` (nnU-Net's label, e.g. ``1`` or ``(1, 2)``),
        ``metric`` (``dsc``) and ``value``. nnU-Net gives no Dice (NaN) to a label that neither image holds: it has no
        row here either. The background, which version 1 scores too, has no row.

    Raises:
        InvalidScoresError: It is no such file, or no case has a Dice.

    Source:
        nnU-Net v1, ``nnunet/evaluation/evaluator.py``; nnU-Net v2, ``nnunetv2/evaluation/evaluate_predictions.py``.
    """
    try:
        rows = list(_scores(parse_json(content)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise InvalidScoresError(
            SUMMARY,
            "unreadable, or without scores of cases",
            "nnU-Net's summary of an evaluation: metric_per_case (version 2), or results.all (version 1)",
            "evaluate the predictions again with nnUNetv2_evaluate_folder, or give a table of scores",
        ) from None
    if not rows:
        raise InvalidScoresError(SUMMARY, "no case has a Dice", "a summary of scored cases")
    return pd.DataFrame(rows, columns=["case", "structure", "metric", "value"])


def _scores(summary: dict[str, Any]) -> Iterator[Score]:
    if "metric_per_case" in summary:
        for case in summary["metric_per_case"]:
            yield from _rows(case["prediction_file"], case["metrics"])
        return
    for case in summary["results"]["all"]:
        labels = {label: metrics for label, metrics in case.items() if label not in FILES and label != BACKGROUND}
        yield from _rows(case["test"], labels)


def _rows(prediction: str, metrics: dict[str, dict[str, Any]]) -> Iterator[Score]:
    for label, values in metrics.items():
        dice = float(values["Dice"])
        if not isnan(dice):
            yield str(prediction), str(label), "dsc", dice
