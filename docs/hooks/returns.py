"""Says in every docstring what type is returned.

Docstrings here describe what is returned and leave its type to the signature. The parser would take the words before
their first colon for the type.
"""
# ruff: noqa: INP001 - Griffe reads extensions as files

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Function

BEGINNING = re.compile(r"^((?:Returns|Yields):\n +)", re.MULTILINE)


class TypedReturns(Extension):
    """Puts the annotation of each function before what it returns."""

    def on_function(self, *, func: Function, **_: Any) -> None:
        """Change one docstring."""
        if func.docstring is not None and func.returns is not None:
            func.docstring.value = BEGINNING.sub(rf"\g<1>{func.returns}: ", func.docstring.value, count=1)
