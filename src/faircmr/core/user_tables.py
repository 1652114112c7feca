"""Tables that users bring: CSV in UTF-8, or Parquet. What cannot be read is refused, never guessed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pandas as pd

from faircmr.core.errors import InvalidParameterError

SUFFIXES = (".csv", ".parquet")
BYTE_ORDER_MARK = "\ufeff"
NUMBER_WITH_COMMA = r"[+-]?\d+(,\d+)?"
DAMAGE = (OSError, ValueError, LookupError, TypeError, NotImplementedError, csv.Error)
"""What the readers of CSV and Parquet were seen to raise of damaged tables."""


def read_user_table(path: Path, setting: str) -> pd.DataFrame:
    """Read a table.

    Args:
        path: Ends in ``.csv`` (comma, UTF-8, a header) or ``.parquet``.
        setting: Parameter that names the file; errors speak of it and not of the path, which may name people.

    Returns:
        Its rows; of a CSV as text, because an id such as ``0007`` is no number (:func:`with_numbers`). Only an
        empty cell is missing, for "NA" may be a group.

    Raises:
        InvalidParameterError: There is no such file, it is neither CSV in UTF-8 nor Parquet, its columns are separated
            by semicolons, two columns have one name, a row is longer or shorter than the header, or there are no rows.
    """
    if path.suffix not in SUFFIXES:
        permitted = f"a file that ends in {' or '.join(SUFFIXES)}"
        raise InvalidParameterError(setting, path.suffix or "no suffix", permitted, "save the table as one of them")
    # also a pipe, which would be waited for without end
    if not path.is_file():
        raise InvalidParameterError(setting, "no such file", "an existing table", f"correct the path in {setting}")
    try:
        table = pd.read_parquet(path) if path.suffix == ".parquet" else _read_csv(path, setting)
    except UnicodeDecodeError:
        raise InvalidParameterError(setting, "not UTF-8", "CSV in UTF-8", "save it again as UTF-8") from None
    except DAMAGE:
        raise InvalidParameterError(
            setting, "damaged, or no table", "a table in CSV or Parquet", "save it again"
        ) from None
    if table.empty:
        raise InvalidParameterError(setting, "no rows", "a table with a header and rows", "save it again")
    return table


def with_numbers(table: pd.DataFrame, text: Collection[str]) -> pd.DataFrame:
    """Columns of text that hold nothing but numbers, as numbers.

    Args:
        table: As :func:`read_user_table` gives it.
        text: Columns that stay, or become, text.
    """
    converted = {name: table[name].astype("str").where(table[name].notna()) for name in text if name in table.columns}
    for name in table.columns.difference(list(text), sort=False):
        if pd.api.types.is_string_dtype(table[name]):
            numbers = pd.to_numeric(table[name], errors="coerce")
            if numbers.notna().equals(table[name].notna()):
                converted[name] = numbers
    return table.assign(**converted)


def has_decimal_commas(column: pd.Series[Any]) -> bool:
    """Whether all cells of a column are numbers and some have a comma for a point, as ``0,93`` in quotes.

    Whoever needs its numbers can say so then; a column of codes such as ``1,2`` that nobody counts with is left alone.
    """
    if pd.api.types.is_numeric_dtype(column):
        return False
    cells = column.dropna().astype("str").str.strip()
    return bool(cells.str.contains(",").any() and cells.str.fullmatch(NUMBER_WITH_COMMA).all())


def _read_csv(path: Path, setting: str) -> pd.DataFrame:
    content = path.read_bytes().decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    header, *rows = list(_rows(content, ",")) or [[]]
    _check_separator(header, rows, content, setting)
    # pandas would rename a second column of one name, and shift rows that are longer than the header
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        found = f"{repeated[0]!r} names two columns"
        raise InvalidParameterError(setting, found, "columns of different names", "rename or remove one")
    if uneven := sum(len(row) != len(header) for row in rows):
        found = f"{uneven} rows with more or fewer cells than the header"
        raise InvalidParameterError(setting, found, f"{len(header)} cells a row", "mend them; quote cells with commas")
    return pd.read_csv(StringIO(content), dtype="str", keep_default_na=False, na_values=[""])


def _rows(content: str, separator: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(StringIO(content), delimiter=separator) if row)


def _check_separator(header: list[str], rows: list[list[str]], content: str, setting: str) -> None:
    """Refuse what spreadsheets write where the comma is the decimal one: the header holds more semicolons than commas.

    It is not refused where commas make a table and semicolons do not.
    """
    by_semicolon = _rows(content, ";")
    width = len(next(by_semicolon, []))
    if width <= len(header):
        return
    same = [len(row) == width for row in by_semicolon]
    divided_by_commas = len(header) > 1 and all(len(row) == len(header) for row in rows)
    if all(same) or (any(same) and not divided_by_commas):
        permitted = "commas between columns and points in decimals"
        remedy = "save it so (spreadsheets do under an English region), or as Parquet"
        raise InvalidParameterError(setting, "the separator looks like ';'", permitted, remedy)
