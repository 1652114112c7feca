"""What is taken for a path, and what is refused before it becomes the name of a folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import NotPermittedError
from faircmr.core.user_input import given_path

REFUSED = {
    "null": (None, "a path", "variable of the shell may be empty"),
    "empty": ("", "a path", "variable of the shell may be empty"),
    "a blank": (" ", "a path", "variable"),
    "true": (True, "yes or no", r"\./"),
    "false": (False, "yes or no", r"\./"),
    "a whole number": (2024, "not a number", r"\./2024"),
    "a fraction": (1.5, "not a number", r"\./"),
    "a mapping": ({"x": None}, r"\{ \}", "rename"),
    "a list": (["a"], "one path", "one path"),
    "bytes": (b"/data", "one path", "one path"),
    "None as text": ("None", "missing", r"\./"),
    "null as text": ("null", "missing", r"\./"),
    "nan as text": ("NaN", "missing", r"\./"),
    "undefined": ("undefined", "missing", r"\./"),
    "a variable": ("$STUDY", "shell has replaced", "double quotes"),
    "a variable in braces": ("${STUDY}/x", "shell has replaced", "double quotes"),
    "a variable in the middle": ("/data/$USER/x", "shell has replaced", "double quotes"),
    "a command": ("$(pwd)/x", "shell has replaced", "double quotes"),
    "a placeholder": ("/data/{x}/study", r"\{ and \}", "rename"),
    "a pattern": ("/data/*", r"without \*", "one folder"),
    "an address": ("s3://bucket/study", "on this machine", "mount"),
    "a file's address": ("file:///data/study", "on this machine", "mount"),
    "a drive": ("C:/study", "on this machine", "mount"),
    "a name with a colon first": ("study:2/x", "on this machine", r"\./"),
    "a backslash": (r"data\study", "/ between folders", "remove"),
    "a blank behind a backslash": (r"/media/My\ Disk", "/ between folders", "before blanks"),
    "a new line": ("/data\n/study", "one line", "again"),
    "a NUL": ("/data\0", "one line", "again"),
    "a tabulator": ("/data\t", "one line", "again"),
    "blanks before it": (" /data", "blanks around", "remove"),
    "blanks behind it": ("/data ", "blanks around", "remove"),
    "typographic quotation marks": ("\u201c/data\u201d", "quotation marks", "remove"),
    "quotation marks": ('"/data"', "quotation marks", "remove"),
    "the home folder of nobody": ("~nobody-of-this-name/x", "~name for", "path itself"),
    "a long name": ("/data/" + "x" * 256, "255", "shorten"),
}
ACCEPTED = (
    "data/mine",
    "./2024",
    "./None",
    "./~",
    "../study",
    "/data/study 2 (new)",
    "/data/Größe/日本",
    "/data/1e3",
    "2024-01-01",
    "a~b",
    "cost$",
    "it's",
    "./a:b",
    "-x",
    "C",
    "[1]",
)


@pytest.mark.parametrize(("value", "permitted", "remedy"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_path_is_refused_with_a_remedy(value: object, permitted: str, remedy: str) -> None:
    with pytest.raises(NotPermittedError, match=permitted) as error:
        given_path(value)

    assert re.search(remedy, error.value.remedy)


@pytest.mark.parametrize("value", ACCEPTED)
def test_a_path_stays_as_it_is(value: str) -> None:
    assert given_path(value) == value


def test_a_path_object_is_a_path() -> None:
    assert given_path(Path("data/mine")) == "data/mine"


@pytest.mark.parametrize(("value", "expected"), [("~", ""), ("~/study", "/study"), ("~/a/~/b", "/a/~/b")])
def test_a_tilde_is_the_home_folder(value: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/me")

    assert given_path(value) == f"/home/of/me{expected}"


def test_a_tilde_with_a_name_is_the_home_folder_of_a_user() -> None:
    assert given_path("~root/study") == os.path.expanduser("~root/study")  # noqa: PTH111


@given(st.text())
def test_every_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = given_path(text)
    except NotPermittedError:
        return
    assert path == path.strip()
    assert path[:1] not in {"", "~"}
    assert not set(path) & set("{}\n\0\\*")
