"""``kedro run --pipelines status``: where every fit stands, while the run goes on in another process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from faircmr.segmentation.training import read_progress
from tests.studies import Project

pytestmark = pytest.mark.slow

LONG = {"training.epochs": 100_000}
"""More than anybody waits for."""
SECONDS = 120
HEAVY = ("torch", "monai", "nibabel", "scipy.stats", "matplotlib")
COLD = f"""
import sys
from kedro.framework.cli.cli import main
sys.argv = ["kedro", "run", "--pipelines", "status"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("heavy:", [name for name in {HEAVY!r} if name in sys.modules])
"""


def status(project: Project, **params: object) -> str:
    """What it prints."""
    finished = project.run("--pipelines", "status", params=params)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def row(printed: str, strategy: str) -> str:
    return " ".join(next(line for line in printed.splitlines() if line.startswith(f" {strategy} ")).split())


@contextmanager
def training(project: Project) -> Iterator[subprocess.Popen[bytes]]:
    """A run that is in its fit, frozen in the middle of whatever it does."""
    command = [sys.executable, "-m", "kedro", "run", "--pipelines", "baseline", "--params"]
    chosen = ",".join(f"{name}={value}" for name, value in LONG.items())
    folder = project.data / "06_models" / "baseline" / "seed-0" / "shared"
    with (
        (project.folder / "printed.txt").open("wb") as printed,
        subprocess.Popen(
            [*command, chosen], cwd=project.folder, env=project.environment(), stdout=printed, stderr=printed
        ) as process,
    ):
        try:
            until = time.monotonic() + SECONDS
            while (told := read_progress(folder)) is None or told.epochs != LONG["training.epochs"]:
                assert process.poll() is None, (project.folder / "printed.txt").read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
            process.send_signal(signal.SIGSTOP)
            yield process
        finally:
            process.kill()


def test_without_a_study_it_says_what_to_run_and_makes_none(tiny_project: Project):
    finished = tiny_project.run("--pipelines", "status")

    assert finished.returncode == 1
    (line,) = (line for line in finished.stderr.splitlines() if line.startswith("Error:"))
    assert line.startswith("Error: study data/embedded: no fit is planned in it yet; ")
    assert "run kedro run first" in line
    assert tiny_project.contents() == {}


def test_a_finished_study_is_shown_every_time_and_nothing_is_written(finished_project: Project):
    before = finished_project.contents()

    printed = [status(finished_project) for _ in range(2)]

    for one in printed:
        assert row(one, "baseline").startswith("baseline seed-0/shared finished 2 of 2 - 2 ")
        assert row(one, "stratified").startswith("stratified seed-0/shared finished 2 of 2 - 2 ")
        assert "2 fits, 2 finished." in one
        assert next(line for line in one.splitlines() if "validated" in line).split()[-7:] == [*"ABCDEF", "by"]
    assert finished_project.contents() == before


def test_it_loads_nothing_heavy(finished_project: Project):
    finished = finished_project.python("-c", COLD)

    assert finished.returncode == 0, finished.stderr
    assert "heavy: []" in finished.stdout


def test_a_run_in_another_process_is_seen_and_not_disturbed(finished_project: Project):
    with training(finished_project) as process:
        before = finished_project.contents()

        running = row(status(finished_project, **LONG), "baseline")

        assert finished_project.contents() == before
    stopped = row(status(finished_project, **LONG), "baseline")

    assert running.startswith("baseline seed-0/shared running ")
    assert f"of {LONG['training.epochs']} " in running
    assert f" pid {process.pid} on {os.uname().nodename} since " in running
    assert stopped.startswith("baseline seed-0/shared stopped ")


def test_whatever_is_half_there_does_no_harm(finished_project: Project):
    fits = finished_project.data / "06_models"
    for file in (fits / "baseline" / "seed-0" / "shared").iterdir():
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    (fits / "stratified" / "seed-0" / "shared" / "progress.json").unlink()

    printed = status(finished_project)

    assert row(printed, "baseline").startswith("baseline seed-0/shared ")
    assert row(printed, "stratified") == "stratified seed-0/shared finished 2 of 2 - - - -"
