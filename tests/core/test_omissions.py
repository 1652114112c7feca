"""What is left out is one sentence on the console and one row of a table, with the same words."""

import logging
from io import BytesIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import (
    OMISSION_TYPES,
    InvalidCohortError,
    Omission,
    log_omissions,
    omission_table,
    omissions_in,
    validate_omissions,
)

WORDS = st.text("abcdefghij ,:()%é中<&", min_size=1).filter(str.strip).map(str.strip)
OMISSIONS = st.builds(
    Omission,
    what=WORDS,
    count=st.integers(1, 10**9),
    total=st.none() | st.integers(0, 10**9),
    reason=WORDS | st.just(""),
    outcome=WORDS,
)


@pytest.mark.parametrize(
    ("omission", "sentence"),
    [
        (Omission("masks", 4, 28, "in one folder alone"), "4 of 28 masks are left out: in one folder alone"),
        (Omission("files", 2, None, "no NIfTI"), "2 files are left out: no NIfTI"),
        (Omission("scans", 3, 9, "no label", outcome="not scored"), "3 of 9 scans are not scored: no label"),
        (Omission("scans", 3, 9, ""), "3 of 9 scans are left out"),
    ],
)
def test_a_sentence_counts_and_says_why(omission: Omission, sentence: str):
    assert str(omission) == sentence


def test_each_is_one_warning_and_nothing_is_said_of_none(caplog: pytest.LogCaptureFixture):
    log_omissions(logging.getLogger("faircmr.test"), [Omission("rows", 2, 7, "no id"), Omission("scans", 0, 7, "gone")])

    assert caplog.messages == ["2 of 7 rows are left out: no id"]


@given(st.dictionaries(WORDS, st.lists(OMISSIONS, min_size=1, max_size=3), max_size=3))
def test_a_table_that_is_saved_and_read_again_holds_the_same_omissions(by_step: dict[str, list[Omission]]):
    content = BytesIO()
    validate_omissions(omission_table(by_step)).to_csv(content, index=False)
    content.seek(0)

    read = validate_omissions(pd.read_csv(content, keep_default_na=False, na_values=[""]))

    assert omissions_in(read) == by_step


def test_a_count_of_0_stays_in_the_table_and_is_not_told():
    table = omission_table({"Strategy baseline": [Omission("test scans", 0, 20, "no prediction")]})

    assert table["count"].tolist() == [0]
    assert omissions_in(table) == {}


def test_a_table_without_rows_has_its_columns():
    assert list(omission_table({}).columns) == list(OMISSION_TYPES)
    assert omissions_in(omission_table({})) == {}


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("count", -1, "count"),
        ("total", -2, "total"),
        ("what", "", "what"),
        ("step", "", "step"),
        ("outcome", "", "out"),
    ],
)
def test_a_table_that_cannot_be_is_refused(column: str, value: object, said: str):
    table = omission_table({"Masks": [Omission("masks", 4, 28, "no reference")]})

    with pytest.raises(InvalidCohortError, match=said):
        validate_omissions(table.assign(**{column: value}))
