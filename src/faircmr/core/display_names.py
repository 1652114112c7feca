"""Display names of groups, models, attributes and strategies, and escaping for CSV, Markdown and LaTeX.

A name that comes from a table may hold anything. It is made visible once, where it enters
(:func:`unique_display_names`): it is one line of at most :data:`LONGEST_NAME` characters that can all be seen, and two
different names of a column never look the same. Every table, page, figure, log line and message has the name in
this form. A medium then takes none of its characters for markup:

============  ======================================================================================================
HTML          :func:`html.escape`, in ``reporting.html_page``
figures       no text is parsed as mathematics, and what the font cannot draw is a code: ``reporting.canvas``
Markdown      :func:`in_markdown`
LaTeX         :func:`in_latex`
CSV           :func:`escape_formula`: a spreadsheet takes no cell for a formula
terminal      nothing: control characters are codes already; tables are printed without markup
============  ======================================================================================================
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from itertools import accumulate
from typing import Any

import pandas as pd

from faircmr.core.errors import InvalidParameterError, character_code, is_visible
from faircmr.core.parameters import NotPermittedError

LONGEST_NAME = 80
"""Characters of a name that are shown."""
_BEGINNING = 48
"""Characters that are shown of a longer name, before what tells it from others."""
_MOST_MARKS = 3
"""Combining characters that may follow one another: more would cover the lines above and below."""
_CODE = re.compile(r"<U\+([0-9A-F]{4,6})>")
_BLANKS = re.compile(r"\s+")


def display_name(name: str, *, exact: bool = False) -> str:
    """A name as it is shown everywhere.

    Blanks of any kind, and line breaks, are one blank, and none at the ends. A letter with its accents is one
    character. Any other character that cannot be seen is shown as its code, ``<U+200B>``. Of a name that is longer than
    :data:`LONGEST_NAME` the beginning is shown, its length and a digest: ``aaa... (10000 characters, 27dd1f61)``.

    Args:
        name: Any text.
        exact: Show also which blanks and accents there are, as codes.

    Returns:
        The name itself where all of it can be seen, so that a shown name stays as it is.
    """
    if _is_plain(name) and len(name) <= LONGEST_NAME:
        return name
    parts = _parts(name if exact else unicodedata.normalize("NFC", " ".join(name.split())))
    text = "".join(parts)
    if len(text) <= LONGEST_NAME:
        return text
    whole = name.encode(errors="surrogatepass")
    beginning = sum(length <= _BEGINNING for length in accumulate(map(len, parts)))
    return f"{''.join(parts[:beginning]).rstrip()}... ({len(name)} characters, {sha256(whole).hexdigest()[:8]})"


def unique_display_names(names: pd.Series[Any]) -> pd.Series[Any]:
    """Names of a column as they are shown; what is missing, and what is no text, as it is.

    Names that :func:`display_name` would make equal are shown exactly, so that different ones stay different.

    Raises:
        InvalidParameterError: Two different names are shown alike nevertheless, because one is spelt as a code.
    """
    shown = {text: display_name(text) for text in _texts(names)}
    times = Counter(shown.values())
    shown = {text: display_name(text, exact=True) if times[one] > 1 else one for text, one in shown.items()}
    if alike := len(shown) - len(set(shown.values())):
        found = f"{alike + 1} values that are shown alike"
        raise InvalidParameterError(
            display_name(str(names.name)), found, "values that can be told apart", "correct the table"
        )
    return _mapped(names, shown)


def with_display_names(table: pd.DataFrame) -> pd.DataFrame:
    """A table whose columns of text hold names (:func:`unique_display_names`)."""
    columns = [name for name in table.columns if not pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(**{str(name): unique_display_names(table[name]) for name in columns})


def listed_names(names: Iterable[object]) -> str:
    """Names one after the other, as messages list them."""
    return ", ".join(display_name(str(name)) for name in names)


def column_name(value: str) -> str:
    """The name of a column that a parameter states; it becomes a heading of tables, pages and figures.

    Raises:
        NotPermittedError: It would not be shown as it is.
    """
    if display_name(value) != value:
        permitted = f"the name of a column: visible characters, single blanks within, at most {LONGEST_NAME}"
        raise NotPermittedError(permitted, "rename the column in the table, and write the new name here")
    return value


def similar_spelling(name: str) -> str:
    """What two names have in common that a reader takes for one: letters, without capitals, blanks, hidden characters.

    Args:
        name: As it is or as it is shown.
    """
    text = _CODE.sub(lambda found: chr(int(found[1], 16)) if int(found[1], 16) <= 0x10FFFF else found[0], name)
    text = unicodedata.normalize("NFKC", "".join(sign for sign in text if is_visible(sign) or sign.isspace()))
    return _BLANKS.sub(" ", text).strip().casefold()


_MARKDOWN = {
    **{sign: f"\\{sign}" for sign in "\\`*[]{}!#"},
    **{sign: f"&#{ord(sign)};" for sign in "|~$@"},
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
}
_ANY_MARKDOWN = re.compile("|".join([*map(re.escape, _MARKDOWN), r"(?<![^\W_])_", r"_(?![^\W_])"]))


def in_markdown(text: str) -> str:
    """Text in which no character is markup of Markdown, HTML or mathematics; also for a cell of a table."""
    return _ANY_MARKDOWN.sub(lambda found: _MARKDOWN.get(found[0], rf"\{found[0]}"), text)


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: rf"\{sign}" for sign in "&%$#_{}"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    # after a line's end, \\ takes what is in brackets for a length, and a star for its own
    "[": "{[}",
    "]": "{]}",
    "*": r"\textasteriskcentered{}",
    "†": r"\dag{}",
    "±": r"$\pm$",
    "∞": r"$\infty$",
    "`": r"\textquoteleft{}",
}
_ANY_LATEX = re.compile("|".join(map(re.escape, _LATEX)))
_LIGATURE = re.compile(r"([-',])(?=\1)")
"""Two hyphens would become a dash, two quotes or commas one sign."""


def in_latex(text: str) -> str:
    """Text in which no character is a command of LaTeX, none ends a line or cell, and none is drawn as another."""
    return _LIGATURE.sub(r"\g<0>{}", _ANY_LATEX.sub(lambda found: _LATEX[found[0]], text))


_FORMULA = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", re.DOTALL)
"""What a spreadsheet takes for the beginning of a formula, after any number of our own quotes."""
_HARMLESS = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]")
"""A number, or a sign alone: shown as it is."""


def escape_formula(cell: str) -> str:
    """A cell of a CSV that no spreadsheet takes for a formula: a quote before ``=``, ``+``, ``-`` and ``@``.

    Numbers and signs alone stay as they are. :func:`unescape_formula` undoes it exactly.
    """
    return f"'{cell}" if _is_formula(cell) else cell


def unescape_formula(cell: str) -> str:
    """The cell that :func:`escape_formula` was given."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell


def escape_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """A table to be written as CSV: columns' names and cells of text as :func:`escape_formula` has them."""
    return _with_cells(table, escape_formula)


def unescape_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """The table that :func:`escape_formulas` was given, after it was read."""
    return _with_cells(table, unescape_formula)


def _with_cells(table: pd.DataFrame, change: Callable[[str], str]) -> pd.DataFrame:
    changed = table.rename(columns=lambda name: change(name) if isinstance(name, str) else name)
    for place in range(table.shape[1]):
        column = table.iloc[:, place]
        changed.isetitem(place, _mapped(column, {text: change(text) for text in _texts(column)}).array)
    return changed


def _texts(column: pd.Series[Any]) -> list[str]:
    """Different texts of a column of any type."""
    if pd.api.types.is_numeric_dtype(column):
        return []
    return [value for value in column.dropna().unique() if isinstance(value, str)]


def _mapped(column: pd.Series[Any], texts: Mapping[str, str]) -> pd.Series[Any]:
    """A column with other texts, of the same type."""
    new = {text: other for text, other in texts.items() if other != text}
    if not new:
        return column
    changed = column.map(lambda value: new.get(value, value), na_action="ignore")
    return changed if isinstance(column.dtype, pd.CategoricalDtype) else changed.astype(column.dtype)


def _is_formula(cell: str) -> bool:
    return _FORMULA.match(cell) is not None and _HARMLESS.fullmatch(cell) is None


def _is_plain(name: str) -> bool:
    return name.isascii() and name.isprintable() and name == name.strip(" ") and "  " not in name


def _parts(name: str) -> list[str]:
    """Each character as it is or as its code."""
    composed = unicodedata.is_normalized("NFC", name)
    parts: list[str] = []
    marks, before = 0, " "
    for place, sign in enumerate(name):
        is_mark = unicodedata.combining(sign) > 0 or unicodedata.category(sign) in {"Mn", "Me"}
        marks = marks + 1 if is_mark else 0
        alone = is_mark and (before == " " or marks > _MOST_MARKS or not composed)
        blank = sign == " " and (before == " " or place == len(name) - 1)
        other = not composed and unicodedata.normalize("NFC", sign) != sign
        coded = alone or blank or other or not is_visible(sign)
        parts.append(character_code(sign) if coded else sign)
        # a mark after a code would combine with the code
        before = " " if coded else sign
    return parts
