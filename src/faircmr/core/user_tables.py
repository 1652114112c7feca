"""Files of tables that users bring: CSV in UTF-8, or Parquet. What cannot be read is refused, never guessed."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from io import StringIO
from pathlib import Path

import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.core.file_names import TABLE_SUFFIXES, table_suffix
from faircmr.core.table_damage import TABLE_DAMAGE

BYTE_ORDER_MARK = "\ufeff"


def read_user_table(path: Path, setting: str) -> pd.DataFrame:
    """Read a table.

    Args:
        path: Ends in ``.csv`` (comma, UTF-8, a header) or ``.parquet``, in any case.
        setting: Parameter that names the file; errors speak of it and not of the path, which may name people.

    Returns:
        Its rows without those whose cells are all empty. Cells of a CSV are text, because an id such as ``0007`` is no
        number, and only empty ones are missing: :mod:`~faircmr.core.table_values` decides what they mean. A Parquet
        file's index becomes columns where it has a name.

    Raises:
        InvalidParameterError: There is no such file, it is neither CSV in UTF-8 nor Parquet, its columns are separated
            by semicolons, two columns have one name, a row is longer or shorter than the header, or there are no rows.
    """
    suffix = table_suffix(path.name)
    if suffix is None:
        permitted = f"a file that ends in {' or '.join(TABLE_SUFFIXES)}"
        raise InvalidParameterError(setting, path.suffix or "no suffix", permitted, "save the table as one of them")
    # also a pipe, which would be waited for without end
    if not path.is_file():
        raise InvalidParameterError(setting, "no such file", "an existing table", f"correct the path in {setting}")
    try:
        table = _read_parquet(path, setting) if suffix == ".parquet" else _read_csv(path, setting)
    except UnicodeDecodeError:
        raise InvalidParameterError(setting, "not UTF-8", "CSV in UTF-8", "save it again as UTF-8") from None
    except TABLE_DAMAGE:
        raise InvalidParameterError(
            setting, "damaged, or no table", "a table in CSV or Parquet", "save it again"
        ) from None
    table = table.dropna(how="all").reset_index(drop=True)
    if table.empty:
        raise InvalidParameterError(setting, "no rows", "a table with a header and rows", "save it again")
    return table


def _read_parquet(path: Path, setting: str) -> pd.DataFrame:
    from pyarrow.parquet import read_table

    # reading leaves texts as they are, and bytes that are none would end what first looks at them
    read_table(path).validate(full=True)
    table = pd.read_parquet(path)
    named = [name for name in table.index.names if name is not None and name not in table.columns]
    table = table.reset_index(level=named).reset_index(drop=True) if named else table.reset_index(drop=True)
    table.columns = pd.Index([str(name) for name in table.columns])
    _check_repeated(table.columns, setting)
    return table


def _check_repeated(names: Iterable[str], setting: str) -> None:
    columns = list(names)
    if repeated := [name for name, count in Counter(columns).items() if count > 1]:
        # by their places: of a table without a header the names are somebody's id and values
        places = [place for place, name in enumerate(columns, 1) if name == repeated[0]]
        found = f"columns {places[0]} and {places[1]} have one name"
        raise InvalidParameterError(setting, found, "columns of different names", "rename or remove one")


def _read_csv(path: Path, setting: str) -> pd.DataFrame:
    content = path.read_bytes().decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    header, *rows = list(_rows(content, ",")) or [[]]
    _check_separator(header, rows, content, setting)
    # pandas would rename a second column of one name, and shift rows that are longer than the header
    _check_repeated(header, setting)
    if uneven := sum(len(row) != len(header) for row in rows):
        found = f"{uneven} rows with more or fewer cells than the header"
        remedy = "correct them; quote cells with commas"
        raise InvalidParameterError(setting, found, f"{len(header)} cells a row", remedy)
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
