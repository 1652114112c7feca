"""Join a table of demographics to the scored subjects, and count subjects without a score or a row."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import InvalidCohortError, Omission, check_group_names, unique_display_names, with_display_names
from faircmr.core.user_input import (
    MissingWords,
    category_text,
    code_text,
    count_lost_zeros,
    fitting_pattern,
    identifier_text,
    infer_column_types,
    missing_counts,
)
from faircmr.fairness.audit.parameters import AuditColumns, AuditParameters

DEMOGRAPHICS = "demographics"
MOST = 0.5
"""Share of the ids above which a column is taken for the one of ids."""
UNSCORED_COLUMNS = ("attribute", "group", "subjects", "unscored", "percent")
OTHER_GROUPS, NOT_RECORDED = "(groups without a scored subject)", "(not recorded)"


def join_demographics(
    scored: pd.Index, demographics: pd.DataFrame, columns: AuditColumns, cases: Sequence[str] = ()
) -> tuple[pd.DataFrame, list[Omission]]:
    """Select the demographics of the scored subjects.

    Args:
        scored: Subjects that have a score.
        demographics: One row a subject.
        columns: Names of the columns.
        cases: File names from which the subject ids were read; empty if they were not read from file names.

    Returns:
        Rows of the scored subjects that have one, index ``subject_id``, cells as they are; and which scored subjects
        and which rows are left out.

    Raises:
        InvalidCohortError: There is no such column, subjects are repeated, none of the scored ones is in it, or ids
            seem to have lost zeros in front.
    """
    name = columns.demographics_subject or columns.subject
    if name not in demographics.columns:
        raise _no_id_column_error(scored, demographics, name)
    ids = identifier_text(demographics[name], columns.words)
    table = demographics.drop(columns=name).set_axis(pd.Index(ids, name="subject_id"))[ids.notna().to_numpy()]
    repeated = int(table.index.duplicated().sum())
    if repeated:
        found = f"{repeated} subjects repeated"
        raise InvalidCohortError(DEMOGRAPHICS, found, "one row a subject", "keep one of each")
    if zeros := count_lost_zeros(scored, table.index):
        raise InvalidCohortError(
            DEMOGRAPHICS,
            f"{zeros} of {len(scored)} scored subjects are in it with more or fewer zeros in front of their ids",
            "the same ids in scores and demographics",
            "restore the zeros that a spreadsheet has removed: export the column of ids as text",
        )
    known = scored[scored.isin(table.index)]
    if known.empty:
        raise _no_known_subjects_error(scored, demographics, table.index, cases)
    return table.loc[known], list(_omissions(len(scored), len(known), len(ids), len(table)))


def resolve_attributes(
    people: pd.DataFrame, parameters: AuditParameters, words: MissingWords
) -> tuple[pd.DataFrame, list[str]]:
    """Columns of the demographics as groups, categories and numbers.

    Args:
        people: Table that :func:`join_demographics` returns.
        parameters: Which columns are groups, covariates and mediators.
        words: What is missing.

    Returns:
        The table with groups and declared categories as text, and each other column as numbers or text
        (:func:`~faircmr.core.user_input.tables.infer_column_type`), texts as they are shown; and a sentence about each
        requested column that has missing values.

    Raises:
        InvalidCohortError: A group has the name of a row of the tables.
    """
    text = {*parameters.attributes, *parameters.categorical} - set(parameters.mediators)
    table = with_display_names(infer_column_types(people, text, words))
    asked = dict.fromkeys((*parameters.attributes, *parameters.covariates, *parameters.mediators))
    known = [name for name in asked if name in people.columns]
    for name in set(parameters.attributes).intersection(known):
        check_group_names(table[name].dropna(), name)
    numbers = {name for name in known if name in parameters.mediators or pd.api.types.is_float_dtype(table[name])}
    counts = {
        name: missing_counts(people[name], words.in_numbers if name in numbers else words.in_text) for name in known
    }
    return table, [note for name, found in counts.items() for note in _missing_value_notes(name, found, len(people))]


def unscored_by_group(
    scored: pd.Index, demographics: pd.DataFrame, columns: AuditColumns, attributes: Sequence[str]
) -> tuple[pd.DataFrame, list[Omission]]:
    """Count the subjects of the demographics that have no score, by group: a missing prediction may be a failure.

    Args:
        scored: Subjects that have a score.
        demographics: One row a subject.
        columns: Names of the columns.
        attributes: Attributes whose groups are counted.

    Returns:
        One row an attribute and group: ``attribute``, ``group``, ``subjects``, ``unscored`` and ``percent`` of the
        group; groups of the scored subjects, then all others together. And how many have no score. Neither has rows
        where all have one.
    """
    ids = identifier_text(demographics[columns.demographics_subject or columns.subject], columns.words)
    people, known = demographics[ids.notna().to_numpy()], ids.dropna()
    without = ~known.isin(scored).to_numpy()
    if not without.any():
        return pd.DataFrame(columns=list(UNSCORED_COLUMNS)), []
    parts = [
        _unscored(unique_display_names(category_text(people[name], columns.words)), without).assign(attribute=name)
        for name in attributes
        if name in people.columns
    ]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    omission = Omission(
        "subjects of the demographics", int(without.sum()), len(known), "missing in the scores", outcome="not scored"
    )
    return table.reindex(columns=list(UNSCORED_COLUMNS)), [omission]


def _unscored(groups: pd.Series[str], without: npt.NDArray[np.bool_]) -> pd.DataFrame:
    compared = set(groups[~without].dropna())
    named = groups.where(groups.isin(compared) | groups.isna(), OTHER_GROUPS).fillna(NOT_RECORDED)
    table = pd.DataFrame({"group": named.to_numpy(), "unscored": without}).groupby("group")["unscored"]
    counts = table.agg(subjects="size", unscored="sum").reset_index().astype({"unscored": "int64"})
    # what is no group of its own comes last
    last = counts["group"].isin([OTHER_GROUPS, NOT_RECORDED])
    counts = counts.loc[last.sort_values(kind="stable").index].reset_index(drop=True)
    return counts.assign(percent=100.0 * counts["unscored"] / counts["subjects"])


def _missing_value_notes(name: str, counts: Mapping[str, int], subjects: int) -> Iterator[str]:
    words = {word: count for word, count in sorted(counts.items()) if word}
    if words:
        parts = [f"{count} as {word!r}" for word, count in words.items()]
        parts += [f"{counts['']} empty"] if counts[""] else []
        yield f"{name} is missing for {sum(counts.values())} of {subjects} scored subjects: {', '.join(parts)}."


def _omissions(scored: int, known: int, rows: int, with_id: int) -> Iterator[Omission]:
    if scored > known:
        yield Omission("scored subjects", scored - known, scored, "not in the demographics")
    if rows > with_id:
        yield Omission("rows of the demographics", rows - with_id, rows, "no id of a subject")


def _no_id_column_error(scored: pd.Index, demographics: pd.DataFrame, name: str) -> InvalidCohortError:
    remedy = "set audit_columns.demographics_subject (or audit_columns.subject, if both tables call it so)"
    if any(_looks_like_value(column, scored) for column in map(str, demographics.columns)):
        remedy = "add a line with the names of columns"
    remedy = _column_of_ids(scored, demographics) or remedy
    return InvalidCohortError(
        DEMOGRAPHICS,
        f"no column {name}",
        "a column that says whose row it is, in a table with a header (in a CSV with commas)",
        remedy,
    )


def _no_known_subjects_error(
    scored: pd.Index, demographics: pd.DataFrame, ids: pd.Index, cases: Sequence[str]
) -> InvalidCohortError:
    remedy = _column_of_ids(scored, demographics) or "compare both ids"
    if cases:
        pattern = fitting_pattern(cases, ids)
        remedy = "set audit_columns.case_pattern, which reads the ids from file names"
        if pattern is not None:
            remedy = f"the ids are read from file names: set audit_columns.case_pattern to '{pattern}'"
    return InvalidCohortError(
        DEMOGRAPHICS, f"none of {len(scored)} scored subjects is in it", "the ids of the scores", remedy
    )


def _looks_like_value(column: str, scored: pd.Index) -> bool:
    """Whether a column name seems to be an id or a number. Then the table has no header, and the name is not shown."""
    return column in scored or column.isdigit()


def _column_of_ids(scored: pd.Index, demographics: pd.DataFrame) -> str | None:
    """Remedy if a column other than the named one contains most ids of the scores, otherwise ``None``."""
    shares = [float(scored.isin(code_text(column).str.strip()).mean()) for _, column in demographics.items()]
    best = max(range(len(shares)), key=lambda place: shares[place], default=0)
    if not shares or shares[best] <= MOST:
        return None
    name = str(demographics.columns[best])
    if _looks_like_value(name, scored):
        return None
    if _character_pattern(name) in set(code_text(demographics.iloc[:, best]).dropna().map(_character_pattern)):
        # it may be an id of a table without a header
        return f"its column {best + 1} holds ids of the scores: set audit_columns.demographics_subject to its name"
    return f"set audit_columns.demographics_subject={name}, a column that holds ids of the scores"


def _character_pattern(text: str) -> str:
    """Replace letters by ``a`` and digits by ``9``: ``sub-0007`` becomes ``a-9``."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", text.strip()))
