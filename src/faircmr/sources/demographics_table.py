"""Read number, code and id columns of subject tables; classes of age and body-mass index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from faircmr.core import InvalidCohortError
from faircmr.core.user_input import (
    MISSING_IN_NUMBERS,
    PLAIN_NUMBERS,
    MissingWords,
    category_text,
    describe_forms,
    identifier_text,
    read_numbers,
)

BMI_CLASSES = ("underweight", "normal", "overweight", "obese")
BMI_LIMITS = (18.5, 25.0, 30.0)
"""Lower limits in kg/m2 of all classes but the first (World Health Organization)."""
AGE_CLASSES = ("under 40", "40 to 59", "60 and over")
AGE_LIMITS = (40.0, 60.0)
"""Lower limits in years of all classes but the first. They are ours: no challenge publishes classes of age."""

_CODED = MissingWords(in_text=frozenset(MISSING_IN_NUMBERS))
"""Among codes that are known, no word of a missing value can be one."""
MOST_FRAMES = 10_000
"""Of a cine: infinity, and numbers that no integer can hold, name none of them."""


def bmi_class(height: pd.Series, weight: pd.Series) -> pd.Series:
    """Body-mass-index class of the World Health Organization.

    Args:
        height: Centimetres.
        weight: Kilograms.

    Returns:
        One of :data:`BMI_CLASSES`, or missing where height or weight is.
    """
    return _classify(weight / (height / 100) ** 2, BMI_LIMITS, BMI_CLASSES)


def age_class(age: pd.Series) -> pd.Series:
    """Class of age.

    Args:
        age: Years.

    Returns:
        One of :data:`AGE_CLASSES`, or missing where the age is.
    """
    return _classify(age, AGE_LIMITS, AGE_CLASSES)


def index_by_subject(table: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
    """A table of people with their source ids as index.

    Args:
        table: One row a person; text.
        column: Which column holds the ids.
        name: What errors call the table.

    Returns:
        The table without that column; index ``source_id``.

    Raises:
        InvalidCohortError: There is no such column, an id is missing, or one stands twice. No id is quoted.
    """
    if column not in table.columns:
        raise InvalidCohortError(name, f"no column {column!r}", "one row a subject with its id", "add the column")
    ids = identifier_text(table[column])
    unusable = int(ids.isna().sum()), int(ids.dropna().duplicated().sum())
    if any(unusable):
        found = f"{unusable[0]} rows have no id and {unusable[1]} repeat one"
        raise InvalidCohortError(name, found, "each subject once", "correct the table")
    return table.drop(columns=column).set_axis(pd.Index(ids, name="source_id", dtype="str"))


def number_column(table: pd.DataFrame, column: str, name: str) -> pd.Series:
    """A column of numbers; all missing where the table has no such column.

    Args:
        table: One row a subject.
        column: Which column.
        name: What errors call the table.

    Raises:
        InvalidCohortError: A cell is neither a number nor missing; says how many, and their form.
    """
    read = read_numbers(_column(table, column)).finite
    if len(read.unread):
        found = f"column {column} has {len(read.unread)} of {len(table)} values that are no numbers"
        raise InvalidCohortError(
            name,
            f"{found} ({describe_forms(read.unread)})",
            PLAIN_NUMBERS,
            "write plain numbers: 58, not 058Y or 58 years",
        )
    return read.values


def decoded_column(table: pd.DataFrame, column: str, codes: Mapping[str, str], name: str) -> pd.Series:
    """A column of codes by their meanings; all missing where the table has no such column.

    Args:
        table: One row a subject.
        column: Which column.
        codes: Meaning of each code, in lower case; a cell may be in any case, or the meaning itself.
        name: What errors call the table.

    Raises:
        InvalidCohortError: A cell is no code and not missing; says how many, and their form.
    """
    stripped = category_text(_column(table, column), _CODED).str.strip()
    cells = stripped.str.lower()
    known = {**codes, **{meaning.lower(): meaning for meaning in codes.values()}}
    if len(unknown := stripped[cells.notna() & ~cells.isin(list(known))]):
        found = (
            f"column {column} has {len(unknown)} of {len(table)} values that are no code ({describe_forms(unknown)})"
        )
        raise InvalidCohortError(name, found, f"one of {', '.join(known)}, or empty", "correct the table")
    return cells.map(known).astype("str")


def frame_numbers(table: pd.DataFrame, column: str) -> pd.Series:
    """A column of frames of cines; missing where it holds no whole number in 0..:data:`MOST_FRAMES`."""
    found = read_numbers(_column(table, column)).values
    return found.where(found.between(0, MOST_FRAMES) & (found % 1 == 0))


def text_column(table: pd.DataFrame, column: str) -> pd.Series:
    """A column as text without blanks around; all missing where the table has no such column."""
    return category_text(_column(table, column)).str.strip()


def absent_columns(table: pd.DataFrame, columns: Mapping[str, str]) -> dict[str, str]:
    """Attributes whose column a table lacks.

    Args:
        table: One row a subject.
        columns: Column of each attribute.
    """
    return {attribute: column for attribute, column in columns.items() if column not in table.columns}


def _column(table: pd.DataFrame, column: str) -> pd.Series:
    return table[column] if column in table.columns else pd.Series(pd.NA, table.index, dtype="str", name=column)


def _classify(values: pd.Series, limits: Sequence[float], names: Sequence[str]) -> pd.Series:
    return pd.cut(values, [0, *limits, float("inf")], right=False, labels=list(names)).astype("str")
