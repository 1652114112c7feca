"""Files of a study can be read by whom the user's umask permits, and who is behind a key by nobody else at all."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from tests.security.conftest import Guarded
from tests.studies import Project

PRIVATE = {"key.csv"}


def made_by_the_run(project: Project) -> Iterator[Path]:
    for folder in ("data", "logs", ".viz"):
        yield from (project.folder / folder).rglob("*")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_have_the_permissions_of_the_umask(guarded: Guarded, guarded_study: Project):
    files = [path for path in made_by_the_run(guarded_study) if path.is_file() and path.name not in PRIVATE]

    assert len(files) > 100
    assert {str(path): oct(mode(path)) for path in files if mode(path) != 0o666 & ~guarded.umask} == {}


def test_so_have_folders(guarded: Guarded, guarded_study: Project):
    folders = [path for path in (guarded_study.folder / "data").rglob("*") if path.is_dir()]

    assert len(folders) > 10
    assert {str(path): oct(mode(path)) for path in folders if mode(path) != 0o777 & ~guarded.umask} == {}


def test_the_key_is_its_owners_alone(guarded_study: Project, finished_study: Project):
    for study in (guarded_study, finished_study):  # the second was run under this process's umask
        assert mode(study.data / "01_raw" / "key.csv") == 0o600
