"""A study in a git work tree: what git sees of it."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

import pytest

from faircmr.running import keep_out_of_git


def untracked(folder: Path) -> list[str]:
    """Files that ``git add --all`` would add."""
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    return subprocess.run(status, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def begin_study(folder: Path) -> None:
    keep_out_of_git(folder)
    (folder / "01_raw").mkdir(parents=True)
    (folder / "01_raw" / "key.csv").write_text("subject_id,source_id\n")


@pytest.mark.parametrize("name", ["study", "a/deep/study", "a study"])
def test_nothing_of_a_study_in_a_clone_can_be_committed(
    name: str, clone: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begin_study(clone / name)

    assert untracked(clone) == []
    assert "git work tree" in caplog.text


def test_a_study_that_is_ignored_already_is_left_alone(clone: Path, caplog: pytest.LogCaptureFixture) -> None:
    (clone / ".gitignore").write_text("/data/**\n/.gitignore\n")
    begin_study(clone / "data" / "mine")

    assert untracked(clone) == []
    assert not (clone / "data" / "mine" / ".gitignore").exists()
    assert caplog.text == ""


def test_a_file_of_somebodys_own_is_left_with_a_warning(clone: Path, caplog: pytest.LogCaptureFixture) -> None:
    (clone / ".gitignore").write_text("*.tmp\n")

    keep_out_of_git(clone)

    assert (clone / ".gitignore").read_text() == "*.tmp\n"
    assert "add a line *" in caplog.text


@pytest.mark.parametrize("times", [1, 2])
def test_it_is_said_once(times: int, clone: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(times):
        keep_out_of_git(clone / "study")

    assert len(caplog.records) == 1


def test_elsewhere_nothing_is_written(tmp_path: Path) -> None:
    begin_study(tmp_path / "study")

    assert [path.name for path in (tmp_path / "study").iterdir()] == ["01_raw"]


def test_without_git_the_study_is_kept_out_all_the_same(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    keep_out_of_git(clone / "study")

    assert (clone / "study" / ".gitignore").read_text().endswith("\n*\n")
