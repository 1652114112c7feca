"""The notebooks run from top to bottom on a finished study, and are committed without what they showed."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.studies import Project

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
notebooks = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_is_a_notebook_of_the_cohort():
    assert "01_cohort" in [path.stem for path in NOTEBOOKS]


@notebooks
def test_shows_its_study_from_top_to_bottom(notebook: Path, finished_study: Project):
    shown = nbformat.read(notebook, as_version=4)
    before = finished_study.contents()
    client = NotebookClient(shown, timeout=300, resources={"metadata": {"path": finished_study.folder / "notebooks"}})

    client.execute(
        env={
            **os.environ,
            "PYTHONPATH": str(finished_study.folder / "src"),
            "KEDRO_DISABLE_TELEMETRY": "1",
        }
    )

    assert any("image/png" in output.get("data", {}) for cell in shown.cells for output in cell.get("outputs", []))
    assert finished_study.contents() == before


@notebooks
def test_is_committed_without_outputs(notebook: Path):
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]

    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
