"""What a run's user wants to see: the tables that it concerns, and where its results lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd
from kedro.pipeline import Pipeline

from faircmr.incremental.catalog import IncrementalCatalog
from faircmr.incremental.receipts import path_of

MOST_LINES = 8
"""Results up to which each has a line of its own."""
LABEL_IMAGES = "predictions"
"""What people open in a viewer, though scores or volumes are made of it: by the last part of its name."""
Render = Callable[[pd.DataFrame, str], str]
"""What makes text of a table and its title."""


def summarise(pipeline: Pipeline, catalog: IncrementalCatalog) -> str:
    """Tables to be shown among the outputs of a pipeline, and the paths of what it ends in.

    Args:
        pipeline: All of it, also nodes that had nothing to do.
        catalog: Expects the keys of the pipeline's outputs; what does not have them is not shown.

    Returns:
        Text for the terminal; empty where there is nothing to show.
    """
    from faircmr.reporting.shown import SHOWN

    made = [name for node in pipeline.nodes for name in node.outputs]
    tables = [name for last in SHOWN for name in made if name.rpartition(".")[2] == last]
    blocks = [block for name in tables for block in _table(name, catalog, *SHOWN[name.rpartition(".")[2]])]
    ends = pipeline.outputs() | {name for name in made if name.rpartition(".")[2] == LABEL_IMAGES}
    places = {name: path_of(catalog[name]) for name in sorted(ends) if catalog.exists(name)}
    return "\n\n".join([*blocks, "\n".join(_locations(places))]).strip()


def _table(name: str, catalog: IncrementalCatalog, render: Render, title: str) -> Iterator[str]:
    if catalog.exists(name):
        text = render(catalog.load(name), title.format(strategy=name.rpartition(".")[0]))
        yield from [text] if text else []
    elif (dataset := catalog.get(name)) is not None and dataset.exists():
        yield f"{name} is of an earlier state of the study and not shown."


def _locations(places: Mapping[str, Path | None]) -> Iterator[str]:
    """A line for each result; of many, for each page, and for each folder of the others."""
    known = {name: path for name, path in places.items() if path is not None}
    pages = {name: path for name, path in known.items() if len(known) <= MOST_LINES or path.suffix == ".html"}
    yield from (f"{name}: {_from_here(path)}" for name, path in pages.items())
    yield from _folders(path for name, path in known.items() if name not in pages)


def _folders(paths: Iterable[Path]) -> Iterator[str]:
    for folder, count in sorted(Counter(path.parent for path in paths).items()):
        yield f"{_from_here(folder)}: {count} result{'s' if count > 1 else ''}"


def _from_here(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
