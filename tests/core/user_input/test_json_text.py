"""JSON of users is read in every encoding that their editors write, or refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core.user_input import parse_json

CONTENT = {"labels": {"background": 0, "Höhle": 1}}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_of_json_is_read(encoding: str):
    assert parse_json(json.dumps(CONTENT, ensure_ascii=False).encode(encoding)) == CONTENT


def test_a_dice_of_nothing_is_a_number_that_is_none():
    assert parse_json(b'{"Dice": NaN}')["Dice"] != parse_json(b'{"Dice": NaN}')["Dice"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"\xef\xbb\xbf", b'"\xe9"', b"[" * 100_000, b'{"LV": 1, "LV": 2}', b"9" * 5000, b"9" * 310],
)
def test_what_is_no_json_is_one_kind_of_error(content: bytes):
    with pytest.raises(ValueError):  # noqa: PT011 - the messages are Python's
        parse_json(content)


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(content: bytes):
    try:
        parse_json(content)
    except ValueError:
        return
