"""A cell means the same whatever the type of its column: missing, a code, an id, or a number."""

from __future__ import annotations

import datetime as dt
import warnings
from decimal import Decimal
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidParameterError
from faircmr.core.user_input import (
    MISSING_IN_NUMBERS,
    MISSING_IN_TEXT,
    MissingWords,
    category_text,
    code_text,
    count_lost_zeros,
    describe_forms,
    identifier_text,
    infer_column_types,
    missing_counts,
    read_numbers,
    refuse_unreadable_numbers,
)
from faircmr.core.user_input.tables import EXCEL_ERRORS, USUAL_WORDS, infer_column_type, unreadable_numbers

AGES = [str(age) for age in range(45, 65)]
ONLY_IN_NUMBERS = sorted(set(MISSING_IN_NUMBERS) - set(MISSING_IN_TEXT))


def text(*cells: str | None) -> pd.Series:
    return pd.Series(list(cells), dtype="str", name="age")


@pytest.mark.parametrize(
    "word", [*MISSING_IN_NUMBERS, "NA", "N/A", "NaN", "NULL", "None", " NA ", "#DIV/0!", "Unknown"]
)
def test_a_missing_value_word_is_missing_among_numbers(word: str):
    column = text("58", word, "61")

    assert read_numbers(column).values.isna().tolist() == [False, True, False]
    assert infer_column_type(column).tolist()[::2] == [58.0, 61.0]
    assert unreadable_numbers(column) is None


@pytest.mark.parametrize("word", [*MISSING_IN_TEXT, "NA", "n/a", "NaN", "#N/A", *map(str.upper, EXCEL_ERRORS)])
def test_a_missing_value_word_is_missing_among_groups(word: str):
    assert category_text(text("F", word, "M")).isna().tolist() == [False, True, False]


@pytest.mark.parametrize("word", ONLY_IN_NUMBERS)
def test_a_word_that_may_be_an_answer_stays_a_group(word: str):
    assert category_text(text("F", word, "M")).tolist() == ["F", word, "M"]


@pytest.mark.parametrize("word", ["none", "unknown", "-"])
def test_a_column_of_nothing_but_such_answers_is_text(word: str):
    assert infer_column_type(text(word, word, None)).tolist()[:2] == [word, word]


def test_words_may_be_declared_and_taken_back():
    words = MissingWords.of(missing=["999", "-"], not_missing=["NA", "None"])

    assert category_text(text("NA", "-", "n/a", "None"), words).isna().tolist() == [False, True, True, False]
    assert read_numbers(text("NA", "58", "999", "999.0"), words).values.isna().tolist() == [True, False, True, True]
    assert read_numbers(pd.Series([999, 58]), words).values.isna().tolist() == [True, False]
    assert read_numbers(pd.Series([999, 58])).values.tolist() == [999.0, 58.0], "nobody has declared it"


def test_missing_values_are_counted_by_word():
    assert missing_counts(text("NA", "na", None, " ? ", "58"), USUAL_WORDS.in_numbers) == {
        "": 1,
        "NA": 1,
        "na": 1,
        "?": 1,
    }


# name, values as they are, and their texts
CODES = {
    "whole": ([0, 1, 1], ["0", "1", "1"]),
    "whole with a gap": ([0.0, np.nan, 1.0], ["0", None, "1"]),
    "nullable": (pd.array([0, None, 1], dtype="Int64"), ["0", None, "1"]),
    "nullable decimals": (pd.array([0.5, None, 1.0], dtype="Float64"), ["0.5", None, "1"]),
    "unsigned": (np.array([0, 1, 7], dtype="uint8"), ["0", "1", "7"]),
    "32-bit": (np.array([0.1, 1.0, 2.0], dtype="float32"), ["0.1", "1", "2"]),
    "text": (["007", "07", "8"], ["007", "07", "8"]),
    "text with a gap": (["0", None, "1"], ["0", None, "1"]),
    "text of decimals": (["0.0", None, "1.0"], ["0", None, "1"]),
    "text of versions": (["1.10", "1.1", "1.0.0"], ["1.10", "1.1", "1.0.0"]),
    "objects": (pd.Series([0, None, 1], dtype="object"), ["0", None, "1"]),
    "categories of whole numbers": (pd.Categorical([0, None, 1], categories=[0, 1, 2]), ["0", None, "1"]),
    "categories of text": (pd.Categorical(["F", None, "M"]), ["F", None, "M"]),
    "truth": ([True, False, True], ["True", "False", "True"]),
    "truth with a gap": (pd.array([True, None, False], dtype="boolean"), ["True", None, "False"]),
    "decimals": ([Decimal("1.50"), None, Decimal("2.0")], ["1.50", None, "2"]),
    "dates": ([dt.date(2020, 1, 2), None, dt.date(2021, 1, 2)], ["2020-01-02", None, "2021-01-02"]),
    "times": (pd.to_datetime(["2020-01-02", None, "2021-01-02"]), ["2020-01-02", None, "2021-01-02"]),
}


@pytest.mark.parametrize(("values", "expected"), CODES.values(), ids=CODES)
@pytest.mark.parametrize("form", ["memory", "csv", "parquet"])
def test_a_code_has_one_text_in_every_form(values: object, expected: list[str | None], form: str):
    table = pd.DataFrame({"site": values, "row": [1, 2, 3]})

    column = saved(table, form)["site"]

    assert code_text(column).tolist() == pytest.approx(pd.Series(expected, dtype="str").tolist(), nan_ok=True)
    assert category_text(column).notna().tolist() == [each is not None for each in expected]


def saved(table: pd.DataFrame, form: str) -> pd.DataFrame:
    if form == "memory":
        return table
    content = BytesIO()
    if form == "parquet":
        table.to_parquet(content)
        return pd.read_parquet(content)
    table.to_csv(content, index=False)
    content.seek(0)
    return pd.read_csv(content, dtype="str", keep_default_na=False, na_values=[""])


TEXTS = ["F", "M", "007", "7", "7.0", "NA", "?", "ü", 'a "b", c']
GROUPS = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**60), 2**60)), min_size=1).map(lambda x: pd.array(x, dtype="Int64")),
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=1).map(
        lambda x: np.array(x, dtype="float64")
    ),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=1).map(lambda x: pd.array(x, dtype="boolean")),
    st.lists(
        st.one_of(st.none(), st.sampled_from(["F", "M", "007", "7", "7.0", "NA", "?", "ü", 'a "b", c'])), min_size=1
    ),
    st.lists(st.one_of(st.none(), st.sampled_from([0, 1, 2])), min_size=1).map(pd.Categorical),
)


@given(GROUPS)
def test_csv_and_parquet_give_the_same_groups(values: object):
    table = pd.DataFrame({"site": values}).assign(row=1)

    csv, parquet = (category_text(saved(table, form)["site"]) for form in ("csv", "parquet"))

    assert csv.fillna("missing").tolist() == parquet.fillna("missing").tolist()


@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False, width=32)), min_size=1))
def test_csv_and_parquet_give_the_same_numbers(values: list[float | None]):
    table = pd.DataFrame({"age": np.array(values, dtype="float64"), "row": 1})

    csv, parquet = (read_numbers(saved(table, form)["age"]).values for form in ("csv", "parquet"))

    np.testing.assert_array_equal(csv, parquet)


@given(st.lists(st.one_of(st.none(), st.text(max_size=6)), max_size=8))
def test_any_text_is_read_without_a_warning_and_every_cell_is_accounted_for(cells: list[str | None]):
    column = text(*cells)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read, kind, spoilt = read_numbers(column), infer_column_type(column), unreadable_numbers(column)

    assert read.known == read.values.notna().sum() + len(read.unread)
    assert len(kind) == len(column)
    assert spoilt is None or 0 < len(spoilt) <= len(column)


# the rest of a column of ages, and its form
ODD = {
    "DICOM": ("073Y", "099X"),
    "unit": ("73 years", "99 xxxxx"),
    "unit without a blank": ("73y", "99x"),
    "thousands": ("1.073,5", "9.999,9"),
    "leading zero": ("073", "099"),
    "at least": (">73", ">99"),
    "about": ("~73", "~99"),
    "range": ("73-60", "99-99"),
    "percent": ("73%", "99%"),
    "name": ("Müller", "Xxxxxx"),
    "date": ("1973-02-03", "9999-99-99"),
    "Arabic digits": ("٧٣", "99"),
    "long": ("see the letter of the ward", "xxx xxx xxxxxx xx xx..."),
}


@pytest.mark.parametrize(("cell", "form"), ODD.values(), ids=ODD)
def test_numbers_with_a_rest_are_refused_with_its_form_and_never_become_categories(cell: str, form: str):
    column = text(*AGES, cell, None, "NA")

    with pytest.raises(InvalidParameterError, match="age with 1 values that are no plain numbers") as error:
        refuse_unreadable_numbers(column, "covariates", "audit.categorical")

    assert f"(1 of the form {form!r})" in str(error.value)
    assert cell not in str(error.value)
    assert "name it in audit.categorical" in str(error.value)


def test_commas_for_points_are_named_as_such():
    with pytest.raises(InvalidParameterError, match="age with commas in its numbers; points in decimals"):
        refuse_unreadable_numbers(text(*AGES, "73,5", "NA"), "covariates", "audit.categorical")


@pytest.mark.parametrize(
    "cells",
    [
        [f"{age:03d}Y" for age in range(45, 65)],
        [f"{age} years" for age in range(45, 65)],
        [f"{age}%" for age in range(45, 65)],
        [f"{age} лет" for age in range(45, 65)],
        [f"{age}歳" for age in range(45, 65)],
        [f"0{age}" for age in range(45, 65)],
        ["1.5T", "3T"],
        ["30s", "40s", "50s"],
        # mostly one word, and yet a column of measurements
        [*["not asked"] * 30, *AGES],
        # mostly two codes, and some letters
        [*["0", "1"] * 20, "f", "m", "x"],
    ],
    ids=lambda cells: cells[0],
)
def test_a_column_that_seems_to_be_of_numbers_is_refused_unless_it_is_declared(cells: list[str]):
    with pytest.raises(InvalidParameterError, match="no plain numbers"):
        refuse_unreadable_numbers(text(*cells), "covariates", "attributes.categorical")
    refuse_unreadable_numbers(text(*cells).astype("category"), "covariates", "attributes.categorical")


@pytest.mark.parametrize(
    "cells",
    [
        ["F", "M", "0"],
        ["1 white", "2 black", "3 asian"],
        ["under 40", "40 to 59", "60 and over"],
        ["18-39", "40-59", "60+"],
        ["1st", "2nd", "3rd"],
        ["A1", "A2", "B1"],
        ["7", "A", "B", "8"],
        ["NA", None],
        AGES,
    ],
    ids=lambda cells: str(cells[0]),
)
def test_text_is_text_and_plain_numbers_are_numbers(cells: list[str]):
    assert unreadable_numbers(text(*cells)) is None


@pytest.mark.parametrize("cells", [["007", "07", "8"], ["12345678901234567890", "1"], ["F", "1"], ["1e999x", "2"]])
def test_what_would_not_be_the_same_as_a_number_stays_text(cells: list[str]):
    assert infer_column_type(text(*cells)).tolist() == cells


@pytest.mark.parametrize("values", [[True, False], pd.to_datetime(["2020-01-02", "2020-01-03"]), [1 + 2j, 3j]])
def test_what_is_no_number_in_a_csv_is_none_in_parquet(values: object):
    read = read_numbers(pd.Series(values))

    assert read.values.isna().all()
    assert len(read.unread) == 2


@pytest.mark.parametrize("cells", [["inf", "1"], ["-Infinity", "1"], ["1e999", "1"]])
def test_infinity_is_a_number_that_may_be_refused(cells: list[str]):
    read = read_numbers(text(*cells))

    assert np.isinf(read.values.iloc[0])
    assert len(read.finite.unread) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["0007 ", " 12", "12.0"], ["0007", "12", "12"]),
        ([7.0, np.nan, 12.0], ["7", None, "12"]),
        (["NA", "", "x"], [None, None, "x"]),
        ([b"p1", b"p2", None], ["p1", "p2", None]),
    ],
)
def test_ids_are_text_without_blanks(values: list[object], expected: list[str | None]):
    found = identifier_text(pd.Series(values))

    assert found.where(found.notna(), None).tolist() == pytest.approx(pd.Series(expected).tolist(), nan_ok=True)


@pytest.mark.parametrize(
    ("ids", "others", "count"),
    [
        (["0007", "0012", "1000"], ["7", "12", "1000"], 2),
        (["7", "12"], ["0007", "0012"], 2),
        (["0007"], ["0007", "7"], 0),
        (["0007", "007"], ["7"], 0),
        (["0000"], ["0"], 0),
        (["a"], ["b"], 0),
    ],
)
def test_ids_that_have_lost_their_zeros_are_counted(ids: list[str], others: list[str], count: int):
    assert count_lost_zeros(ids, others) == count


def test_the_most_frequent_forms_are_named_and_the_others_counted():
    assert describe_forms(text("5y", "6y", "7 y", "<5", "x", "?!")) == (
        "2 of the form '9x', 1 of the form '9 x', 1 of the form '<9', 2 of other forms"
    )


def test_a_table_has_numbers_and_text_and_says_which():
    table = pd.DataFrame({"id": ["1", "2"], "sex": ["0", None], "age": ["58", "NA"], "site": ["007", "8"]})

    found = infer_column_types(table, text=["id", "sex"])

    assert found["id"].tolist() == ["1", "2"]
    assert found["sex"].tolist()[0] == "0"
    assert found["age"].dtype == "float64"
    assert found["site"].tolist() == ["007", "8"]
