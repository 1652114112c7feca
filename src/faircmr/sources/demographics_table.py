"""What tables of several data sets say of people: columns by name, and classes of age and body mass."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.core.errors import InvalidCohortError

BMI_CLASSES = ("underweight", "normal", "overweight", "obese")
BMI_LIMITS = (18.5, 25.0, 30.0)
"""Lower limits in kg/m2 of all classes but the first (World Health Organization)."""
AGE_CLASSES = ("under 40", "40 to 59", "60 and over")
AGE_LIMITS = (40.0, 60.0)
"""Lower limits in years of all classes but the first. They are ours: no challenge publishes classes of age."""

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
    return _classes(weight / (height / 100) ** 2, BMI_LIMITS, BMI_CLASSES)


def age_class(age: pd.Series) -> pd.Series:
    """Class of age.

    Args:
        age: Years.

    Returns:
        One of :data:`AGE_CLASSES`, or missing where the age is.
    """
    return _classes(age, AGE_LIMITS, AGE_CLASSES)


def by_subject(table: pd.DataFrame, column: str, name: str) -> pd.DataFrame:
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
    ids = table[column].astype("str").str.strip()
    unusable = int(table[column].isna().sum()), int(ids.duplicated().sum())
    if any(unusable):
        found = f"{unusable[0]} rows have no id and {unusable[1]} repeat one"
        raise InvalidCohortError(name, found, "each subject once", "mend the table")
    return table.drop(columns=column).set_axis(pd.Index(ids, name="source_id", dtype="str"))


def numbers(table: pd.DataFrame, column: str) -> pd.Series:
    """A column as numbers; missing where it holds none, or where the table has no such column."""
    return pd.to_numeric(text(table, column), errors="coerce").astype("float64")


def frame_numbers(table: pd.DataFrame, column: str) -> pd.Series:
    """A column of frames of cines; missing where it holds no whole number in 0..:data:`MOST_FRAMES`."""
    found = numbers(table, column)
    return found.where(found.between(0, MOST_FRAMES) & (found % 1 == 0))


def text(table: pd.DataFrame, column: str) -> pd.Series:
    """A column as text; missing where the table has no such column."""
    if column not in table.columns:
        return pd.Series(pd.NA, table.index, dtype="str")
    return table[column].astype("str").str.strip()


def _classes(values: pd.Series, limits: Sequence[float], names: Sequence[str]) -> pd.Series:
    return pd.cut(values, [0, *limits, float("inf")], right=False, labels=list(names)).astype("str")
