"""A name is shown as one short line of characters that can be seen, and no medium takes a character for markup."""

import csv
import io
import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import (
    LONGEST_NAME,
    InvalidParameterError,
    NotPermittedError,
    column_name,
    display_name,
    escape_formulas,
    in_latex,
    in_markdown,
    similar_spelling,
    unescape_formulas,
    unique_display_names,
    with_display_names,
)
from faircmr.core.display_names import escape_formula, unescape_formula
from faircmr.core.errors import is_visible
from tests.nasty_names import NASTY

ANY_TEXT = st.text(st.characters(codec=None), max_size=120)
WORDS = st.text(st.sampled_from("aé \u0301e\u00a0\u200b\t\n<U+0>B-=+'@"), max_size=12)


@pytest.mark.parametrize(
    "name",
    [
        "White",
        "65+",
        "< 40",
        "Größe",
        "中文",
        "עברית",
        "$10k-$20k",
        "<script>",
        "हिन्दी",
        "ไทย",
        "Tiếng Việt",
        "n" * LONGEST_NAME,
    ],
)
def test_a_name_that_can_be_seen_stays_as_it_is(name: str):
    assert display_name(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (" White\u00a0 British\t", "White British"),
        ("Black or\r\nAfrican", "Black or African"),
        ("e\u0301", "é"),
        ("A\u200bB", "A<U+200B>B"),
        ("\x1b[31m", "<U+001B>[31m"),
        ("\u0301x", "<U+0301>x"),
        ("a\u202eb", "a<U+202E>b"),
        ("\ud800", "<U+D800>"),
        ("\u2800", "<U+2800>"),
        ("\ue000", "<U+E000>"),
        ("a" * 10_000, "a" * 48 + "... (10000 characters, 27dd1f61)"),
    ],
)
def test_what_cannot_be_seen_is_a_code_and_blanks_are_one(name: str, shown: str):
    assert display_name(name) == shown


@given(ANY_TEXT)
def test_a_shown_name_is_one_short_line_that_can_be_seen_and_stays_as_it_is(name: str):
    shown = display_name(name)

    assert len(shown) <= LONGEST_NAME
    assert all(map(is_visible, shown))
    assert shown == shown.strip()
    assert display_name(shown) == shown
    assert display_name(name, exact=True) == display_name(display_name(name, exact=True))


@given(st.lists(st.one_of(WORDS, ANY_TEXT), min_size=2, max_size=6, unique=True))
def test_different_names_of_a_column_never_become_one(names: list[str]):
    try:
        shown = unique_display_names(pd.Series(names, dtype="object", name="race"))
    except InvalidParameterError:
        assert any("<U+" in name for name in names)
        return
    assert shown.nunique() == len(names)


@pytest.mark.parametrize(("first", "second"), [*combinations(NASTY.values(), 2), ("n" * 999, "n" * 1000)])
def test_nasty_names_are_told_apart(first: str, second: str):
    assert display_name(first) != display_name(second)


@pytest.mark.parametrize("other", ["White ", " White", "Whi\u200bte", "White\u00a0", "WHITE", "\uff37hite", "White\n"])
def test_a_name_beside_one_that_is_read_the_same_is_shown_exactly_and_found_to_be_similar(other: str):
    shown = unique_display_names(pd.Series(["White", other]))

    assert shown[0] == "White"
    assert shown[1] != "White"
    assert similar_spelling(shown[0]) == similar_spelling(shown[1]) == similar_spelling(other)


def test_a_name_that_is_spelt_as_the_code_of_another_is_refused():
    with pytest.raises(InvalidParameterError, match=r"race: 2 values that are shown alike"):
        unique_display_names(pd.Series(["A\u200b", "A<U+200B>"], name="race"))


@pytest.mark.parametrize("kind", ["object", "str", "string", "category"])
def test_columns_keep_their_type_and_what_is_missing(kind: str):
    column = pd.Series(["a\x07", None, "b"], dtype=kind)

    shown = unique_display_names(column)

    assert shown.dtype == column.dtype or kind == "category"
    assert isinstance(shown.dtype, pd.CategoricalDtype) == (kind == "category")
    assert shown.dropna().tolist() == ["a<U+0007>", "b"]
    assert shown.isna().tolist() == [False, True, False]


def test_numbers_stay_as_they_are():
    table = pd.DataFrame({"age": [1.0, np.nan], "yes": [True, False], "mixed": [1, "a\x07"]})

    pd.testing.assert_frame_equal(
        with_display_names(table), table.assign(mixed=pd.Series([1, "a<U+0007>"], dtype="object"))
    )


@pytest.mark.parametrize("name", [name for name in NASTY.values() if display_name(name) != name] + [" race"])
def test_a_parameter_names_no_column_that_would_be_shown_otherwise(name: str):
    with pytest.raises(NotPermittedError, match="name of a column"):
        column_name(name)


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("group_dro", "group_dro"),
        ("__init__", r"\_\_init\_\_"),
        ("<b>A</b> & B", "&lt;b&gt;A&lt;/b&gt; &amp; B"),
        ("a|b", "a&#124;b"),
        ("$x$", "&#36;x&#36;"),
        (r"\*[a](b)`!#", r"\\\*\[a\](b)\`\!\#"),
    ],
)
def test_no_character_is_markup_of_markdown(text: str, markdown: str):
    assert in_markdown(text) == markdown


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("Weiß & mehr", r"Weiß \& mehr"),
        ("50 %_x", r"50 \%\_x"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("a*†", r"a\textasteriskcentered{}\dag{}"),
        ("[3cm]", "{[}3cm{]}"),
        ("a--b", "a-{}-b"),
        ("<40 | ~^#$", r"\textless{}40 \textbar{} \textasciitilde{}\textasciicircum{}\#\$"),
        ("± ∞", r"$\pm$ $\infty$"),
    ],
)
def test_no_character_is_a_command_of_latex(text: str, latex: str):
    assert in_latex(text) == latex


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_no_ascii_character_is_left_that_latex_would_act_on(text: str):
    safe = r"\\text\w+\{\}|\\dag\{\}|\\[&%$#_{}]|\{[\[\]]\}|-\{\}|'\{\}|,\{\}"

    assert not re.search(r"[\\&%$#_{}~^<>|*\[\]`]|--|''|,,", re.sub(safe, "\x00", in_latex(text)))


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1+1", "-1+1", "@A(1)", "\t=1", " =1", "'=1", "''=1", "\uff1d1", "-5%", "+/-"]
)
def test_a_formula_gets_a_quote_that_reading_removes(cell: str):
    assert escape_formula(cell) == f"'{cell}"
    assert unescape_formula(f"'{cell}") == cell


@pytest.mark.parametrize("cell", ["", "-", "+", "-5", "+5", "-1.5e-3", "White", "'", "'a", "a=b", "65+", "a@b.c"])
def test_other_cells_stay_as_they_are(cell: str):
    assert escape_formula(cell) == unescape_formula(cell) == cell


@given(st.one_of(WORDS, ANY_TEXT))
def test_guarding_is_undone_exactly(cell: str):
    assert unescape_formula(escape_formula(cell)) == cell
    assert not re.match(r"[=@]|[+-].*[^0-9.eE+-]", escape_formula(cell))


def test_guards_headings_and_columns_of_any_type_by_place():
    table = pd.DataFrame([["=a", 1.0, "=a", None], ["-", -2.0, "b", "@c"]], columns=["=x", "n", "=x", "+y()"])
    table.isetitem(2, table.iloc[:, 2].astype("category"))

    guarded = escape_formulas(table)

    assert guarded.columns.tolist() == ["'=x", "n", "'=x", "'+y()"]
    assert guarded.iloc[0, :3].tolist() == ["'=a", 1.0, "'=a"]
    assert unescape_formulas(guarded).columns.tolist() == table.columns.tolist()
    assert unescape_formulas(guarded).iloc[:, 3].dropna().tolist() == ["@c"]
    assert escape_formulas(table[["n"]]).equals(table[["n"]])


@pytest.mark.parametrize("name", NASTY.values(), ids=NASTY)
def test_a_nasty_name_is_one_cell_in_every_medium(name: str):
    shown = display_name(name)
    line = io.StringIO()
    csv.writer(line).writerow([escape_formula(shown)])

    assert next(csv.reader(io.StringIO(line.getvalue()))) == [escape_formula(shown)]
    assert len(line.getvalue().splitlines()) == 1
    assert not re.search(r"[<>|$]", in_markdown(shown))
