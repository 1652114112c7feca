"""Makes MathML of the formulas, so that browsers draw them without a script and without a network."""
# ruff: noqa: INP001 - MkDocs reads hooks as files

from __future__ import annotations

import html
import re
from typing import Any

from latex2mathml.converter import convert

# what pymdownx.arithmatex leaves of $...$ and $$...$$
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_content(content: str, **_: Any) -> str:
    """Replace every formula."""
    return FORMULA.sub(_mathml, content)


def _mathml(found: re.Match[str]) -> str:
    tag, bracket, latex = found.groups()
    drawn = convert(html.unescape(latex).strip(), display="block" if bracket == "[" else "inline")
    return f'<{tag} class="arithmatex">{drawn}</{tag}>'
