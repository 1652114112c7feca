"""Paths and JSON as users write them.

A shell, YAML and Kedro each change what was typed. An unset variable arrives as nothing, ``~`` alone as null, ``2024``
as a number, ``{x}`` as a mapping, and ``~/study`` unchanged where the shell did not replace it. What cannot be a path
that somebody meant is refused before it becomes the name of a folder.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from faircmr.core import NotPermittedError

LONGEST_NAME = 255
"""Bytes of one folder's or file's name, as ext4, XFS, APFS and NTFS permit (of NTFS: characters)."""
BETWEEN_FOLDERS = "a path with / between folders"
NAME_A_FOLDER = "write a path, such as data/mine; a variable of the shell may be empty"


@dataclass(frozen=True)
class Form:
    """A text that is not taken for a path.

    Attributes:
        pattern: What it matches; the flag ``(?i)`` is in the pattern where case does not matter.
        permitted: What is permitted instead.
        remedy: What to do.
    """

    pattern: re.Pattern[str]
    permitted: str
    remedy: str


def _form(pattern: str, permitted: str, remedy: str) -> Form:
    return Form(re.compile(pattern), permitted, remedy)


FORMS = (
    _form(r"[\x00-\x1f\x7f\x85\u2028\u2029]", "a path in one line, without control characters", "write it again"),
    _form(r"^\s*$", "a path", NAME_A_FOLDER),
    _form(r"^\s|\s$", "a path without blanks around it", "remove them"),
    _form(
        r"^[\"'\u2018-\u201e\u00ab\u00bb]|[\"\u2018-\u201e\u00ab\u00bb]$",
        "a path without quotation marks",
        "remove them",
    ),
    _form(
        r"(?i)^(none|null|nan|n/a|na|undefined|true|false)$",
        "a path, not a word for a missing or a truth value",
        "write ./ before it if a folder or file is really called so",
    ),
    _form(
        r"\$[\w{(]",
        "a path in which the shell has replaced its variables",
        "use double quotes or none around it; in YAML, write the path itself",
    ),
    _form(r"[{}]", "a path without { and }", "rename the folder, or make a symbolic link to it"),
    _form(r"\*", "a path without *", "name one folder or file; the shell leaves * where nothing matches it"),
    _form(
        r"^[A-Za-z][A-Za-z0-9+.-]*:" if os.name != "nt" else r"^[A-Za-z][A-Za-z0-9+.-]+:",
        "a path on this machine, not an address or a drive letter",
        "mount or copy the folder and write its path; write ./ before a name with a colon",
    ),
    *([] if os.name == "nt" else [_form(r"\\", BETWEEN_FOLDERS, "remove \\, also before blanks")]),
)
"""In the order in which they are looked for."""


def given_path(value: object) -> str:
    """A path of the machine's file system; relative ones stay relative.

    Args:
        value: What was given: text, or a path object. ``~`` and ``~user`` at its start are replaced.

    Raises:
        NotPermittedError: It is not a path that somebody can have meant.
    """
    text = _as_text(value)
    for form in FORMS:
        if form.pattern.search(text):
            raise NotPermittedError(form.permitted, form.remedy)
    if any(len(os.fsencode(name)) > LONGEST_NAME for name in text.split("/")):
        raise NotPermittedError(f"names of at most {LONGEST_NAME} bytes", "shorten it")
    return _with_home(text)


def _as_text(value: object) -> str:
    if isinstance(value, str | os.PathLike):
        text = os.fspath(value)
        if isinstance(text, str):
            return text
    if value is None:
        raise NotPermittedError("a path", f"{NAME_A_FOLDER}, and ~ alone means nothing in YAML")
    if isinstance(value, bool):
        raise NotPermittedError("a path, not yes or no", "write ./ before a name that YAML reads as true or false")
    if isinstance(value, int | float):
        raise NotPermittedError("a path, not a number", "write ./ before a name of digits, e.g. ./2024")
    if isinstance(value, Mapping):
        raise NotPermittedError("a path without { } and without a colon followed by a blank", "rename the folder")
    raise NotPermittedError("one path", "write one path, as text")


def _with_home(text: str) -> str:
    expanded = os.path.expanduser(text)  # noqa: PTH111 - pathlib raises another error, and drops ./
    if text.startswith("~") and expanded == text:
        raise NotPermittedError(
            "~ for your own home folder, ~name for that of a user of this machine",
            "write the path itself; write ./ before a name that begins with ~",
        )
    return expanded


GivenPath = Annotated[str, BeforeValidator(given_path)]
"""A field of a model that is a path."""


MOST_DIGITS = 300
"""Of a whole number: more do not fit into a float."""


def parse_json(content: bytes) -> Any:
    """Parse a file of JSON.

    Args:
        content: All of it. Windows PowerShell 5 and older editors write a byte order mark, or UTF-16.

    Returns:
        Objects as dictionaries; ``NaN`` as a float, as Python's own ``json`` writes it.

    Raises:
        ValueError: It is no JSON, no text, nested too deep, an object has one key twice, or a whole number has more
            than :data:`MOST_DIGITS` digits.
    """
    # json's own rule: it looks at a byte order mark, then at where the first zeros are
    text = content.decode(json.detect_encoding(content))
    try:
        return json.loads(text, object_pairs_hook=_object, parse_int=_whole_number)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # the last one would win without a word
        raise ValueError("a key twice")
    return found
