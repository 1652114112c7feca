"""JSON that users bring: in UTF-8 or UTF-16, with or without a byte order mark."""

from __future__ import annotations

import json
from typing import Any

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
