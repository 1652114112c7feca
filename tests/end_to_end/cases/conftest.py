"""A project for all cases, and a folder for each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.cases.place import Place
from tests.made_once import made_once
from tests.studies import Project, write_tiny_project


@pytest.fixture(scope="session")
def cases_project(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """A project without a study; every case has its study elsewhere."""
    return Project(made_once(tmp_path_factory, "cases", lambda folder: write_tiny_project(folder, project_root)))


@pytest.fixture
def place(cases_project: Project, tmp_path: Path) -> Place:
    (tmp_path / "inputs").mkdir()
    return Place(cases_project, tmp_path)
