"""Tables that users bring: files, missing-value words, codes as text, ids, and columns of numbers.

Every reader of a table uses these rules, so that a cell means the same in CSV and Parquet, in scores, demographics and
cohorts. No message made here quotes a cell: it shows its form, ``999X`` for ``058Y``.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from faircmr.core import InvalidParameterError
from faircmr.core.user_input.file_names import TABLE_SUFFIXES, table_suffix

EXCEL_ERRORS = (
    *("#n/a", "#na", "#n/a n/a", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!"),
    *("#getting_data", "#spill!", "#calc!", "#field!", "#blocked!", "#unknown!", "#connect!", "#busy!", "#error!"),
)
MISSING_IN_TEXT = ("", "na", "n/a", "nan", "<na>", "nat", "null", "(null)", "<null>", "\\n", *EXCEL_ERRORS)
"""What R, pandas, NumPy, SQL, PostgreSQL and spreadsheets write for a missing value, in lower case: missing in every
column. A group may be called so nevertheless: :meth:`MissingWords.of`."""
MISSING_IN_NUMBERS = (
    *MISSING_IN_TEXT,
    *(".", "..", "...", "-", "--", "---", "\u2013", "\u2014", "?", "??", "*"),
    *("none", "n.a.", "n.a", "na.", "n/d", "nd", "n.d.", "n/k", "nk", "-nan", "+nan", "-nan(ind)", "1.#ind"),
    *("-1.#ind", "1.#qnan", "-1.#qnan", "unknown", "missing", "empty", "blank", "not known", "not recorded"),
    *("not available", "not applicable", "not done", "not measured"),
)
"""Missing in a column of numbers besides, in lower case: in a column of text they may be an answer or a group."""

_WHOLE_AS_DECIMAL = re.compile(r"^(\s*[+-]?[0-9]+)\.0+(\s*)$")
_PLAIN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_INFINITE = r"[+-]?(?i:inf(?:inity)?)"
_WITH_ZEROS = r"[+-]?0[0-9].*"
_SEPARATED = r"[+-]?[0-9][0-9.,' ]*"
_WITH_UNIT = r"[+-]?(?P<number>[0-9]+(?:[.,][0-9]+)?)\s*(?P<unit>[^\W\d_]\D*|%\D*)"
_WITH_COMMA = r"[+-]?[0-9]+(?:,[0-9]+)?"
_LARGEST_EXACT = 2.0**53
"""Whole numbers above it are not all different as 64-bit floats."""
PLAIN_NUMBERS = "numbers such as 58 or 21.5, and missing-value words such as NA"
LONGEST_FORM = 20
MOST_FORMS = 3


@dataclass(frozen=True)
class MissingWords:
    """Which words mean that a value is missing, in lower case and without blanks around.

    Attributes:
        in_text: In columns of text.
        in_numbers: In columns of numbers.
        declared: Those that a user has added to both.
    """

    in_text: frozenset[str] = frozenset(MISSING_IN_TEXT)
    in_numbers: frozenset[str] = frozenset(MISSING_IN_NUMBERS)
    declared: frozenset[str] = frozenset()

    @classmethod
    def of(cls, missing: Iterable[str], not_missing: Iterable[str]) -> MissingWords:
        """The words of a table.

        Args:
            missing: Further words that mean missing, in every column: ``999``, ``unknown``.
            not_missing: Words that are values in columns of text, such as a group that is called ``NA``. A column of
                numbers has no such values.
        """
        declared, values = frozenset(map(_folded, missing)), frozenset(map(_folded, not_missing))
        return cls((cls.in_text - values) | declared, cls.in_numbers | declared, declared)


USUAL_WORDS = MissingWords()


@dataclass(frozen=True)
class NumberColumn:
    """A column as numbers.

    Attributes:
        values: ``float64`` of the same index; NaN where a value is missing or no number. May hold infinities.
        unread: Cells that are neither numbers nor missing, as text.
        known: How many cells are not missing.
    """

    values: pd.Series[float]
    unread: pd.Series[str]
    known: int

    @property
    def finite(self) -> NumberColumn:
        """The same with infinities among the cells that are no numbers."""
        infinite = self.values[np.isinf(self.values)]
        return NumberColumn(
            self.values.replace([np.inf, -np.inf], np.nan),
            pd.concat([self.unread, infinite.astype("str")]),
            self.known,
        )


def code_text(column: pd.Series[Any]) -> pd.Series[str]:
    """Text of every cell, the same whatever the column's type: how codes and groups are named everywhere.

    Args:
        column: Any type.

    Returns:
        Text as it stands in the table, with one exception: a whole number that went through software without missing
        whole numbers loses its decimals (``1.0`` is ``1``). ``007`` stays ``007``. Missing where the cell is.
    """
    if column.dtype == object:
        column = column.map(_decoded, na_action="ignore")
    text = column.astype("str").where(column.notna())
    decimal = text.str.contains(".0", regex=False).fillna(value=False).astype("bool")
    if not decimal.any():
        return text
    # a code repeats often: each text is changed once
    changed = {value: _WHOLE_AS_DECIMAL.sub(r"\1\2", value) for value in text[decimal].unique()}
    return text.mask(decimal, text[decimal].map(changed))


def category_text(column: pd.Series[Any], words: MissingWords = USUAL_WORDS) -> pd.Series[str]:
    """Text of every cell (:func:`code_text`), missing where the cell is empty or one of ``words.in_text``."""
    text = code_text(column)
    return text.mask(_is_word(text, words.in_text))


def identifier_text(column: pd.Series[Any], words: MissingWords = USUAL_WORDS) -> pd.Series[str]:
    """Ids of subjects as text without blanks around; missing as in :func:`category_text`."""
    return category_text(column, words).str.strip()


def read_numbers(column: pd.Series[Any], words: MissingWords = USUAL_WORDS) -> NumberColumn:
    """A column of which the caller needs the numbers.

    Args:
        column: Any type. Booleans and dates are no numbers, in Parquet as in CSV.
        words: What is missing.
    """
    if _is_number_type(column):
        numbers = column.astype("float64")
        if words.declared:
            numbers = numbers.mask(_is_word(code_text(column), words.declared))
        return NumberColumn(numbers, pd.Series(dtype="str"), int(numbers.notna().sum()))
    text = code_text(column).str.strip()
    known = text.notna() & ~_is_word(text, words.in_numbers)
    plain = known & _matches(text, f"{_PLAIN}|{_INFINITE}")
    numbers = pd.to_numeric(text.where(plain), errors="coerce").astype("float64")
    return NumberColumn(numbers, text[known & numbers.isna()], int(known.sum()))


def unreadable_numbers(column: pd.Series[Any], words: MissingWords = USUAL_WORDS) -> pd.Series[str] | None:
    """Cells for which a column cannot be read as numbers although it seems to be one.

    A column seems to be of numbers where more than half of its cells, or of its different values, look like numbers:
    plain ones; with commas, blanks or leading zeros; or with a unit (``58 years``, ``058Y``). Where what follows the
    numbers is as different as they are (``1 white``, ``2 black``), they are names. With half or less a column is text.

    Returns:
        The cells that are no plain numbers, as text; ``None`` where the column is one of plain numbers, of text, or
        declared categorical by its type.
    """
    if _is_number_type(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return None
    text = code_text(column).str.strip()
    text = text[text.notna() & ~_is_word(text, words.in_numbers)]
    plain = _matches(text, _PLAIN) & ~_matches(text, _WITH_ZEROS)
    like = plain | _matches(text, _SEPARATED) | _have_units(text)
    if plain.all() or max(like.mean(), like[~text.duplicated()].mean()) <= 0.5:
        return None
    return text[~plain]


def infer_column_type(column: pd.Series[Any], words: MissingWords = USUAL_WORDS) -> pd.Series[Any]:
    """A column of a table without types: numbers where all known values are plain numbers, and otherwise text.

    Returns:
        ``float64``, or text (:func:`category_text`) where a value is not a number, has leading zeros, is too large
        to be exact, or where the type declares categories or Booleans.
    """
    read = read_numbers(column, words)
    text = category_text(column, words)
    # a column that holds nothing but "none" and "unknown" is one of answers
    without_numbers = read.known == 0 and bool(text.notna().any())
    is_text = isinstance(column.dtype, pd.CategoricalDtype) or without_numbers or len(read.unread) > 0
    return text if is_text or _has_codes(read, text) else read.values


def infer_column_types(
    table: pd.DataFrame, text: Collection[str] = (), words: MissingWords = USUAL_WORDS
) -> pd.DataFrame:
    """Columns of a table that users bring, each as numbers or as text, with what is missing as NA.

    Args:
        table: As :func:`read_user_table` returns it.
        text: Columns that are text whatever they hold: ids, groups, codes.
        words: What is missing.
    """
    kinds = {name: category_text if name in text else infer_column_type for name in table.columns}
    return table.assign(**{str(name): kind(table[name], words) for name, kind in kinds.items()})


def missing_counts(column: pd.Series[Any], words: Collection[str]) -> Counter[str]:
    """How many cells are empty (the empty text) or hold a missing-value word, by the word as it is written."""
    text = code_text(column).str.strip()
    found = Counter(str(word) for word in text[_is_word(text, words)])
    return Counter({"": int(text.isna().sum())}) + found


def has_decimal_commas(column: pd.Series[Any], words: MissingWords = USUAL_WORDS) -> bool:
    """Whether all known cells of a column are numbers and some have a comma for a point, as ``0,93`` in quotes."""
    if _is_number_type(column):
        return False
    text = code_text(column).str.strip()
    text = text[text.notna() & ~_is_word(text, words.in_numbers)]
    return bool(text.str.contains(",").any() and _matches(text, _WITH_COMMA).all())


def refuse_decimal_commas(column: pd.Series[Any], offender: str) -> None:
    """Refuse a column of numbers with commas for points: they are text, and text would be categories.

    Raises:
        InvalidParameterError: Names the column.
    """
    if has_decimal_commas(column):
        found = f"{column.name} with commas in its numbers"
        raise InvalidParameterError(offender, found, "points in decimals", "save the table with them")


def refuse_unreadable_numbers(column: pd.Series[Any], offender: str, setting: str) -> None:
    """Refuse a column that would be categories because some of its numbers cannot be read.

    Args:
        column: A column that is not declared categorical.
        offender: What the column is used for: ``covariates``.
        setting: Parameter that declares it categorical.

    Raises:
        InvalidParameterError: It seems to be of numbers (:func:`unreadable_numbers`); says how many are none, and their
            form.
    """
    refuse_decimal_commas(column, offender)
    spoilt = unreadable_numbers(column)
    if spoilt is not None:
        found = f"{column.name} with {len(spoilt)} values that are no plain numbers ({describe_forms(spoilt)})"
        remedy = f"write ages as 58, not 058Y or 58 years; if the column holds codes, name it in {setting}"
        raise InvalidParameterError(offender, found, PLAIN_NUMBERS, remedy)


def describe_forms(cells: pd.Series[str]) -> str:
    """Forms of cells, the most frequent first: ``2 of the form '999X', 1 of the form '99 xxxxx'``.

    A digit is shown as 9, except for zeros in front; a letter as X or x. So a message says what to look for, and holds
    no value of a person.
    """
    counts = Counter(_masked_form(cell) for cell in cells)
    named = [f"{count} of the form {form!r}" for form, count in counts.most_common(MOST_FORMS)]
    others = len(cells) - sum(count for _, count in counts.most_common(MOST_FORMS))
    return ", ".join([*named, f"{others} of other forms"] if others else named)


def count_lost_zeros(ids: Iterable[str], others: Iterable[str]) -> int:
    """How many ids are found among others only if zeros in front do not count: ``0007`` and ``7``.

    A spreadsheet takes them from ids. Ids that several others would fit do not count.
    """
    one, two = set(ids), set(others)
    counts = Counter(each.lstrip("0") for each in two - one)
    mine = Counter(each.lstrip("0") for each in one - two)
    return sum(1 for each, count in mine.items() if each and count == 1 and counts[each] == 1)


def _folded(word: object) -> str:
    return str(word).strip().lower()


def _decoded(value: object) -> object:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value


def _is_word(text: pd.Series[str], words: Collection[str]) -> pd.Series[bool]:
    return text.str.strip().str.lower().isin(list(words))


def _matches(text: pd.Series[str], pattern: str) -> pd.Series[bool]:
    return text.str.fullmatch(pattern).fillna(value=False).astype("bool")


def _is_number_type(column: pd.Series[Any]) -> bool:
    kind = pd.api.types
    return bool(kind.is_numeric_dtype(column) and not kind.is_bool_dtype(column) and not kind.is_complex_dtype(column))


def _has_codes(read: NumberColumn, text: pd.Series[str]) -> bool:
    """Whether numbers would not be the same as the text: leading zeros, or more digits than a float has."""
    too_large = read.values.abs().between(_LARGEST_EXACT, np.inf, inclusive="neither").any()
    return bool(too_large or _matches(text.dropna().str.strip(), _WITH_ZEROS).any())


def _have_units(text: pd.Series[str]) -> pd.Series[bool]:
    parts = text.str.extract(f"^{_WITH_UNIT}$")
    found = parts["number"].notna()
    return found & (parts["number"].nunique() > parts["unit"].nunique())


def _masked_form(cell: str) -> str:
    zeros = len(cell) - len(cell.lstrip("0"))
    shown = cell[:zeros] + "".join(_masked_characters(cell[zeros:]))
    return shown if len(shown) <= LONGEST_FORM else f"{shown[:LONGEST_FORM]}..."


def _masked_characters(cell: str) -> Iterator[str]:
    for sign in cell:
        if sign.isdigit():
            yield "9"
        elif sign.isalpha():
            yield "X" if sign.isupper() else "x"
        else:
            yield sign if sign.isprintable() else "?"


TABLE_DAMAGE = (OSError, ValueError, LookupError, TypeError, NotImplementedError, csv.Error)
"""Raised by pandas and pyarrow of damaged CSV and Parquet, as found by fuzzing.

``ArrowInvalid``, ``UnicodeDecodeError`` and pandas' ``ParserError`` are kinds of ``ValueError``, ``ArrowKeyError`` is a
``LookupError``, and ``ArrowTypeError`` a ``TypeError``.
"""


BYTE_ORDER_MARK = "\ufeff"


def read_user_table(path: Path, setting: str) -> pd.DataFrame:
    """Read a table.

    Args:
        path: Ends in ``.csv`` (comma, UTF-8, a header) or ``.parquet``, in any case.
        setting: Parameter that names the file; errors speak of it and not of the path, which may name people.

    Returns:
        Its rows without those whose cells are all empty. Cells of a CSV are text, because an id such as ``0007`` is no
        number, and only empty ones are missing: this module decides what they mean. A Parquet
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
