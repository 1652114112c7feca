"""The notebooks run from top to bottom on a finished study, and are committed without what they showed."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.studies import Project

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
NAMES = ["01_cohort", "02_inside_a_model", "03_compare_strategies", "04_your_own_data", "05_audit_a_model"]
QUICK = {"01_cohort", "03_compare_strategies", "05_audit_a_model"}
"""Executed among the fast tests."""
PICTURES = {"image/png", "image/svg+xml"}

notebooks = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
executed = pytest.mark.parametrize(
    "notebook",
    [pytest.param(path, marks=() if path.stem in QUICK else pytest.mark.slow) for path in NOTEBOOKS],
    ids=lambda path: path.stem,
)


def test_there_are_the_notebooks_that_the_documentation_names():
    assert [path.stem for path in NOTEBOOKS] == NAMES


@pytest.mark.slow
@executed
def test_shows_its_study_from_top_to_bottom(notebook: Path, finished_project: Project):
    shown = nbformat.read(notebook, as_version=4)
    before = finished_project.contents()
    client = NotebookClient(shown, timeout=300, resources={"metadata": {"path": finished_project.folder / "notebooks"}})

    client.execute(
        env={
            **os.environ,
            "PYTHONPATH": str(finished_project.folder / "src"),
            "KEDRO_DISABLE_TELEMETRY": "1",
        }
    )

    outputs = [output for cell in shown.cells for output in cell.get("outputs", [])]
    assert any(PICTURES & set(output.get("data", {})) for output in outputs)
    assert finished_project.contents() == before


@notebooks
def test_is_committed_without_outputs(notebook: Path):
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]

    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@notebooks
def test_says_what_it_is_about_before_any_code(notebook: Path):
    first = nbformat.read(notebook, as_version=4).cells[0]

    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
