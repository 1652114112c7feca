"""Finished studies that tests copy before they change anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.clinic import Clinic, write_clinic
from tests.end_to_end.embedded import EmbeddedStudy
from tests.made_once import made_once
from tests.studies import Project


@pytest.fixture(scope="session")
def clinic_with_finished_study(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Clinic:
    """A study of a clinic's scans that has been run; only to be read."""

    def make(folder: Path) -> None:
        finished = write_clinic(folder, project_root).run()
        assert finished.returncode == 0, finished.stderr

    return Clinic(made_once(tmp_path_factory, "clinic", make))


@pytest.fixture
def study(finished_project: Project) -> EmbeddedStudy:
    """A copy of the finished tiny study, to be changed."""
    return EmbeddedStudy(finished_project)
