"""Finished studies that tests copy before they change anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.clinic import Clinic, write_clinic
from tests.end_to_end.embedded import EmbeddedStudy
from tests.studies import Project


@pytest.fixture(scope="session")
def clinic_with_finished_study(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Clinic:
    """A study of a clinic's scans that has been run; only to be read."""
    clinic = write_clinic(tmp_path_factory.mktemp("clinic"), project_root)
    finished = clinic.run()
    assert finished.returncode == 0, finished.stderr
    return clinic


@pytest.fixture
def study(finished_project: Project) -> EmbeddedStudy:
    """A copy of the finished tiny study, to be changed."""
    return EmbeddedStudy(finished_project)
