"""Lists every page of ``docs/decisions`` in the navigation, in order of its number."""
# ruff: noqa: INP001 - MkDocs reads hooks as files

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig

SECTION = "Decisions"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the section of the decisions."""
    folder = Path(config.docs_dir) / "decisions"
    pages = [f"decisions/{path.name}" for path in sorted(folder.glob("[0-9]*.md"))]
    _fill(config.nav or [], ["decisions/README.md", *pages])
    return config


def _fill(entries: list[Any], pages: list[str]) -> None:
    for entry in entries:
        for title, below in entry.items() if isinstance(entry, dict) else ():
            if title == SECTION:
                below[:] = pages
            elif isinstance(below, list):
                _fill(below, pages)
