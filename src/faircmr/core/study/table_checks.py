"""Check tables with pandera; errors name columns and count rows, and quote no value.

Import it where it is used: pandera takes half a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd
from pandera.errors import SchemaErrors
from pandera.pandas import Check, Column, DataFrameSchema

from faircmr.core import FaircmrError

ABOVE_ZERO = Check.gt(0, error="more than 0")
NOT_NEGATIVE = Check.ge(0, error="at least 0")
YEARS = Check.in_range(0, 120, error="years in 0..120")
FILLED = Check.str_length(min_value=1, error="text that is not empty")
_EXPECTED = {
    "not_nullable": "a value in every row",
    "multiple_fields_uniqueness": "each row once",
    "column_in_dataframe": "a column of this name",
}


def check_table(name: str, table: pd.DataFrame, schema: DataFrameSchema, kind: type[FaircmrError]) -> pd.DataFrame:
    """Check a table.

    Args:
        name: What the table is called in the error.
        table: The table.
        schema: What it must hold.
        kind: Class of the error.

    Returns:
        The table with its columns in the types of the schema.

    Raises:
        FaircmrError: Of the class ``kind``; describes the first failure.
    """
    try:
        # a fresh index: pandera cannot report repeated rows of a table whose index repeats
        return schema.validate(table.reset_index(drop=True), lazy=True)
    except SchemaErrors as error:
        failures: pd.DataFrame = error.failure_cases
    # outside the handler: what pandera says quotes values of people, also as the context of another error
    found, expected = _describe(failures, len(table))
    raise kind(name, found, expected)


def table_schema(columns: Mapping[str, Column], unique: list[str]) -> DataFrameSchema:
    """Schema of a table that may hold further columns.

    Args:
        columns: Columns by name.
        unique: Columns whose values together occur once.
    """
    return DataFrameSchema(dict(columns), unique=unique or None, strict=False)


def required_columns(types: Mapping[str, str], checks: Mapping[str, Check]) -> dict[str, Column]:
    """Columns that must be there, without missing values.

    Args:
        types: pandas type of each.
        checks: A check of some of them.
    """
    return {name: Column(kind, checks.get(name), coerce=True) for name, kind in types.items()}


def one_of(names: Iterable[str]) -> Check:
    """Check that a value is one of some names."""
    permitted = [str(name) for name in names]
    return Check.isin(permitted, error=f"one of: {', '.join(permitted)}")


def _describe(failures: pd.DataFrame, rows: int) -> tuple[str, str]:
    first = failures.iloc[0]
    check = str(first["check"])
    expected = _EXPECTED.get(check, check)
    if check == "column_in_dataframe":
        return f"no column {first['failure_case']!r}", expected
    failing = failures[(failures["check"] == first["check"]) & (failures["column"] == first["column"])]
    return f"column {first['column']!r} fails in {failing['index'].nunique()} of {rows} rows", expected
