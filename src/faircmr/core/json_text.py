"""JSON that users bring: in UTF-8 or UTF-16, with or without a byte order mark."""

from __future__ import annotations

import json
from typing import Any


def parse_json(content: bytes) -> Any:
    """Parse a file of JSON.

    Args:
        content: All of it. Windows PowerShell 5 and older editors write a byte order mark, or UTF-16.

    Returns:
        Objects as dictionaries; ``NaN`` as a float, as Python's own ``json`` writes it.

    Raises:
        ValueError: It is no JSON, no text, nested too deep, or an object has one key twice.
    """
    # json's own rule: it looks at a byte order mark, then at where the first zeros are
    text = content.decode(json.detect_encoding(content))
    try:
        return json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("nested too deep") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # the last one would win without a word
        raise ValueError("a key twice")
    return found
