"""What a clone brings along: the folders that Kedro needs, no telemetry, no data, and one definition of CI."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

DATA_FILE = re.compile(r"\.(nii|nii\.gz|dcm|safetensors|parquet|npy|npz|pt|pth|pkl)$", re.IGNORECASE)
LARGEST_FILE = 2_000_000


@pytest.fixture(scope="module")
def files(project_root: Path) -> list[str]:
    """What is committed or could be."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=project_root, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (project_root / name).exists()]


@pytest.mark.parametrize(
    "folder", ["conf/local", "logs", "data/embedded/01_raw", "data/acdc/08_reporting", "data/ukbb/01_raw"]
)
def test_folders_that_a_run_needs_are_in_a_fresh_clone(files: list[str], folder: str):
    assert f"{folder}/.gitkeep" in files


def test_telemetry_is_off_and_committed_as_off(project_root: Path, files: list[str]):
    assert ".telemetry" in files
    assert yaml.safe_load((project_root / ".telemetry").read_text()) == {"consent": False}


def test_no_scan_table_or_model_can_be_committed(files: list[str]):
    assert [name for name in files if DATA_FILE.search(name)] == []
    assert [name for name in files if name.startswith("data/") and not name.endswith(".gitkeep")] == []


def test_no_large_file_can_be_committed(project_root: Path, files: list[str]):
    assert [name for name in files if (project_root / name).stat().st_size > LARGEST_FILE] == []


def test_ci_runs_what_contributing_asks_of_everybody(project_root: Path):
    commands = re.findall(r"^make .*$", (project_root / ".ci" / "run").read_text(), re.MULTILINE)
    contributing = (project_root / "CONTRIBUTING.md").read_text()

    assert commands == ["make test", "make test-slow", "make test-browser"]
    assert all(re.search(rf"^{command}\b", contributing, re.MULTILINE) for command in commands)


def test_hooks_before_a_commit_use_the_tools_of_the_environment(project_root: Path):
    config = yaml.safe_load((project_root / ".pre-commit-config.yaml").read_text())

    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    entries = [hook["entry"] for hook in config["repos"][0]["hooks"] if hook["language"] != "fail"]
    assert [entry for entry in entries if not entry.startswith(".venv/bin/")] == []
