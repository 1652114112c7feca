"""What a user does with a fresh clone, in a folder with a space: make, package, and run elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.alone]

OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "ARGS", "ACDC", "PYTHONPATH", "VIRTUAL_ENV")
TINY = ",".join(
    (
        *(f"training_subjects.{group}={count}" for group, count in zip("ABCDEF", (6, 2, 2, 2, 2, 2), strict=True)),
        "validation_subjects=1",
        "test_subjects=2",
        "plans.batch_size=6",
        "training.epochs=1",
        "training.iterations_per_epoch=2",
    )
)
TABLE1_OF_STRATIFIED = Path("data/embedded/08_reporting/table1_stratified.csv")


def call(command: Sequence[str | Path], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited: Mapping[str, str] = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    result = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**inherited, "KEDRO_DISABLE_TELEMETRY": "1", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-5000:]
    return result


@pytest.fixture(scope="module")
def clone(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every file that is or could be committed, and no other."""
    folder = tmp_path_factory.mktemp("clone") / "a clone with spaces"
    listed = call(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], project_root).stdout
    for name in filter(None, listed.split("\0")):
        if (project_root / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(project_root / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def clone_that_ran(clone: Path) -> Path:
    call(["make", "run", f"ARGS=--pipelines stratified --params {TINY}"], clone, PYTHON=sys.executable)
    return clone


def test_make_run_needs_no_step_before_it(clone_that_ran: Path):
    assert (clone_that_ran / TABLE1_OF_STRATIFIED).exists()


def test_make_run_can_be_repeated_and_changes_nothing(clone_that_ran: Path):
    table = clone_that_ran / TABLE1_OF_STRATIFIED
    before = table.stat().st_mtime_ns

    call(["make", "run", f"ARGS=--pipelines stratified --params {TINY}"], clone_that_ran)

    assert table.stat().st_mtime_ns == before


def test_what_make_installs_is_consistent(clone_that_ran: Path):
    call([".venv/bin/python", "-m", "pip", "check"], clone_that_ran)


def test_the_tools_start_from_a_path_with_a_space(clone_that_ran: Path):
    call([".venv/bin/lint-imports"], clone_that_ran)


def test_constraints_are_what_make_installs(clone_that_ran: Path):
    written = (clone_that_ran / "constraints.txt").read_text()

    call(["make", "constraints"], clone_that_ran)

    assert (clone_that_ran / "constraints.txt").read_text() == written


def test_the_wheel_runs_in_an_empty_environment(clone_that_ran: Path, tmp_path: Path):
    call([".venv/bin/python", "-m", "kedro", "package"], clone_that_ran)
    (wheel,) = (clone_that_ran / "dist").glob("faircmr-*.whl")
    (configuration,) = (clone_that_ran / "dist").glob("conf-*.tar.gz")
    call([sys.executable, "-m", "venv", tmp_path / "venv"], tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    call([python, "-m", "pip", "install", "-c", clone_that_ran / "constraints.txt", wheel], tmp_path)
    empty = tmp_path / "an empty folder"
    empty.mkdir()

    call(
        [python, "-m", "faircmr", "--conf-source", configuration, "--pipelines", "stratified", "--params", TINY], empty
    )

    assert (empty / TABLE1_OF_STRATIFIED).exists()
