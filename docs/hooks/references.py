"""Makes links of what docstrings refer to, e.g. ``:func:`~faircmr.core.study.splitting.split_subjects```."""
# ruff: noqa: INP001 - MkDocs reads hooks as files

from __future__ import annotations

import re
from typing import Any

ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):<code>(~?)([\w.]+)</code>")


def on_page_content(content: str, **_: Any) -> str:
    """Replace every reference; what has no page of its own stays text."""
    return ROLE.sub(_link, content)


def _link(found: re.Match[str]) -> str:
    short, name = found.groups()
    shown = name.rpartition(".")[2] if short else name
    return f'<autoref optional identifier="{name}"><code>{shown}</code></autoref>'
