"""What a run's user wants to see: the tables that it concerns, and where its results lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from kedro.pipeline import Pipeline

from faircmr.incremental.catalog import IncrementalCatalog
from faircmr.incremental.receipts import path_of

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
    ends = [name for name in sorted(pipeline.outputs()) if catalog.exists(name)]
    return "\n\n".join([*blocks, "\n".join(line for name in ends for line in _location(name, catalog))]).strip()


def _table(name: str, catalog: IncrementalCatalog, render: Render, title: str) -> Iterator[str]:
    if catalog.exists(name):
        text = render(catalog.load(name), title.format(strategy=name.rpartition(".")[0]))
        yield from [text] if text else []
    elif (dataset := catalog.get(name)) is not None and dataset.exists():
        yield f"{name} is of an earlier state of the study and not shown."


def _location(name: str, catalog: IncrementalCatalog) -> Iterator[str]:
    path = path_of(catalog[name])
    if path is not None:
        here = Path.cwd()
        yield f"{name}: {path.relative_to(here) if path.is_relative_to(here) else path}"
