"""Files of the configuration that cannot be read are refused with file and line, and none can use up the memory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidParameterError
from faircmr.running.configuration import check_yaml, shown_file, yaml_error

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
REFUSED = {
    "a tag that calls Python": ("x: !!python/object/apply:os.getcwd []\n", r"line 1: the tag tag:yaml.org,2002:python"),
    "a tag that names Python": ("x:\n  - !!python/name:os.system\n", r"line 2: the tag"),
    "a tag of somebody's own": ("x: !mine 1\n", r"line 1: the tag !mine; .*; write the value without a tag"),
    "a tag of a key": ("!mine x: 1\n", r"the tag !mine"),
    "bytes": ('x: !!binary "aGk="\n', r"the tag"),
    "a set": ("x: !!set {a, b}\n", r"the tag"),
    "a billion laughs": (LAUGHS, r"line 5: more than 10000 values, where each alias counts"),
    "a billion laughs of mappings": (LAUGHS.replace("[x,", "[{y: z},"), r"more than 10000 values"),
    "one long list": (f"x: [{'1, ' * 10_000}]\n", r"more than 10000 values"),
    "a list that contains itself": ("x: &a [*a]\n", r"line 1: \*a inside itself"),
    "a mapping that contains itself": ("x: &a\n  y: {z: *a}\n", r"line 2: \*a inside itself"),
    "lists nested without end": (f"x: {'[' * 200}{']' * 200}\n", r"line 1: more than 50 levels"),
    "mappings nested without end": (f"x: {'{a: ' * 200}1{'}' * 200}\n", r"more than 50 levels"),
    "a bracket that is not closed": ("x: 1\ny: {a\n", r"line \d: "),
    "a tab": ("x:\n\t- a\n", r"line 2: .*; correct this line"),
    "a quote that is not closed": ("x: 'a\n", r"line \d: "),
    "an alias of nothing": ("x: *a\n", r"line 1: \*a of nothing"),
    "a zero byte": ("x: \0\n", r"YAML"),
    "two documents": ("x: 1\n---\ny: 2\n", r"line 2: a second document; .*; remove the line ---"),
    "a list": ("- a\n", r"line 1: a list or a single value; .*; write name: value"),
    "a word": ("hello\n", r"a list or a single value"),
    "a number": ("7\n", r"a list or a single value"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=rf"^conf/local/x\.yml(, )?.*{message}") as error:
        check_yaml(text.encode(), "conf/local/x.yml")

    assert "\n" not in str(error.value)


def test_another_encoding_is_refused_with_its_line() -> None:
    with pytest.raises(InvalidParameterError, match=r"x\.yml, line 2: not UTF-8; .*; save it as UTF-8"):
        check_yaml("a: 1\nb: Größe\n".encode("latin-1"), "x.yml")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "null\n",
        "---\nx: 1\n",
        "x: &a {y: 1}\nz: *a\n",
        "x: &a {y: 1}\nz:\n  <<: *a\n",
        "x: !!str 7\n",
        "x: [1, 2.5, true, null, 2020-01-01]\n",
        '{"x": {"y": [1]}}\n',
        f"x: {'[' * 40}{']' * 40}\n",
        "x: Größe\n",
    ],
)
def test_what_configurations_hold_passes(text: str) -> None:
    check_yaml(text.encode(), "x.yml")


def test_so_do_all_files_of_this_project(project_root: Path) -> None:
    files = [file for file in (project_root / "conf").rglob("*.yml") if file.name != "logging.yml"]

    assert files
    for file in files:
        check_yaml(file.read_bytes(), shown_file(file))


@given(st.binary(max_size=200) | st.text(alphabet="ab:[]{}&*!-'\" \n\t#|>?%@", max_size=60).map(str.encode))
def test_any_bytes_pass_or_are_refused(content: bytes) -> None:
    with suppress(InvalidParameterError):
        check_yaml(content, "x.yml")


def test_an_error_without_a_place_names_the_file_alone() -> None:
    assert str(yaml_error(yaml.YAMLError("x"), "x.yml")).startswith("x.yml: not YAML; ")


def test_a_file_is_named_by_its_last_folders() -> None:
    assert shown_file(Path("/home/somebody/study/conf/local/globals.yml")) == "conf/local/globals.yml"
