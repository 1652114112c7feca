"""Studies that have been run with networking cut off, under masks that users set."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.made_once import made_once
from tests.studies import Project, write_tiny_project

CUT_OFF = Path(__file__).with_name("cut_off.py")
WATCHED = Path(__file__).with_name("watched")
SOCKETS_LOG = "sockets.log"
"""In the project's folder: every socket that was asked for."""


def watching(environment: Mapping[str, str], log: Path) -> dict[str, str]:
    """The environment in which every Python process notes the sockets that it asks for."""
    paths = [environment.get("PYTHONPATH", ""), str(WATCHED)]
    return {**environment, "PYTHONPATH": os.pathsep.join(path for path in paths if path), "SOCKETS_LOG": str(log)}


@dataclass(frozen=True)
class Guarded:
    """A tiny study of some pipelines, under one umask; only to be read."""

    name: str
    umask: int
    pipelines: tuple[str, ...]

    def run(self, project: Project) -> None:
        """Run it where no connection can be opened."""
        command = [sys.executable, str(CUT_OFF), "kedro", "run", "--pipelines", ",".join(self.pipelines)]
        done = subprocess.run(
            command,
            cwd=project.folder,
            env=watching(project.environment(), project.folder / SOCKETS_LOG),
            umask=self.umask,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


OWNER_ALONE = Guarded("one strategy, umask 077", 0o077, ("baseline",))
EVERYTHING = Guarded("every strategy, umask 027", 0o027, ("__default__", "controls", "combinations"))


@pytest.fixture(
    scope="session",
    params=[pytest.param(one, marks=pytest.mark.slow) for one in (OWNER_ALONE, EVERYTHING)],
    ids=lambda one: one.name,
)
def guarded(request: pytest.FixtureRequest) -> Guarded:
    """What is run."""
    chosen: Guarded = request.param
    return chosen


@pytest.fixture(scope="session")
def guarded_study(guarded: Guarded, tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """The project, its study finished."""
    name = f"guarded-{guarded.umask:03o}"
    return Project(
        made_once(tmp_path_factory, name, lambda folder: guarded.run(write_tiny_project(folder, project_root)))
    )
