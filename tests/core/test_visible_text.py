"""What acts on a terminal or is no XML is shown as a code; what a reader can see stays as it is."""

import pytest

from faircmr.core import FaircmrError, visible_text


@pytest.mark.parametrize(
    "text", ["", "A sentence.", "Two\nlines\tand a tab", "é 中文 עברית 😀", "87\u00a0%", "a\u200cb"]
)
def test_sentences_stay_as_they_are(text: str):
    assert visible_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "<U+001B>[31m"),
        ("a\rb", "a<U+000D>b"),
        ("\x00\x9b", "<U+0000><U+009B>"),
        ("a\u202eb", "a<U+202E>b"),
        ("\ud800", "<U+D800>"),
        ("\uffff", "<U+FFFF>"),
        ("\U0001fffe", "<U+1FFFE>"),
    ],
)
def test_what_acts_is_a_code(text: str, shown: str):
    assert visible_text(text) == shown


def test_no_error_acts_on_a_terminal():
    error = FaircmrError("column \x1b[2J", "\x07", "x", "y\u202e")

    assert str(error) == "column <U+001B>[2J: <U+0007>; x; y<U+202E>"
    assert error.reason() == "<U+0007>; x; y<U+202E>"
