"""A study on workers of this machine is the study that one process makes, whatever is killed on the way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.made_once import made_once
from tests.runners.clusters import DASK, Run, started, until
from tests.studies import TWO, Project, digests, write_tiny_project

pytestmark = [pytest.mark.slow, pytest.mark.alone]
SCHEDULER = (sys.executable, "-m", "distributed.cli.dask_scheduler")
WORKER = (sys.executable, "-m", "distributed.cli.dask_worker")
WORKERS = ("--params", "cluster.workers=2")
LONG = "training.epochs=60,training.iterations_per_epoch=4"
LONG_FIT = ("--pipelines", "baseline", "--to-nodes", "baseline.train")
ON_TWO_WORKERS = (*LONG_FIT, *DASK, "--params", f"cluster.workers=2,{LONG}")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """A tiny study up to its tensors; only to be read."""

    def make(folder: Path) -> None:
        done = write_tiny_project(folder, project_root).run("--pipelines", "data_engineering")
        assert done.returncode == 0, done.stderr

    return Project(made_once(tmp_path_factory, "prepared-study", make))


@pytest.fixture(scope="module")
def undisturbed(prepared: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Weights of the long fit, made in one process."""
    project = prepared.copied_to(tmp_path_factory.mktemp("undisturbed") / "project")
    done = project.run(*LONG_FIT, "--params", LONG)
    assert done.returncode == 0, done.stderr
    return weights(project)


@pytest.fixture
def project(prepared: Project, tmp_path: Path) -> Project:
    return prepared.copied_to(tmp_path / "project")


def weights(project: Project) -> dict[str, str]:
    every = digests(project.data / "06_models")
    return {path: digest for path, digest in every.items() if path.endswith("weights.safetensors")}


def checkpoints(project: Project) -> list[Path]:
    return list(project.data.glob("06_models/baseline/*/*/checkpoint-*"))


@contextmanager
def fitting(project: Project, *arguments: str) -> Iterator[Run]:
    """A run that has come to the middle of its fit."""
    with started(project, *arguments) as run:
        assert until(lambda: checkpoints(project) or run.process.poll() is not None)
        assert run.process.poll() is None, run.end()
        yield run


def test_a_study_on_two_workers_is_the_study_of_one_process(prepared: Project, tmp_path: Path):
    alone, spread = (prepared.copied_to(tmp_path / name) for name in ("alone", "spread"))
    assert alone.run("--pipelines", ",".join(TWO)).returncode == 0

    with started(spread, "--pipelines", ",".join(TWO), *DASK, *WORKERS) as run:
        assert run.end() == 0, run.output
        assert run.processes() == []

    for folder in ("07_model_output", "08_reporting"):
        expected, got = (_tables(project.data / folder) for project in (alone, spread))
        assert expected == got
        assert expected
    assert weights(alone) == weights(spread)
    assert "baseline seed-0/shared: epoch 2 of 2" in run.output
    assert spread.run("--pipelines", ",".join(TWO)).returncode == 0
    assert "Traceback" not in run.output


def _tables(folder: Path) -> dict[str, str]:
    return {name: digest for name, digest in digests(folder).items() if name.endswith((".csv", ".nii.gz", ".parquet"))}


def test_a_worker_that_is_killed_in_a_fit_is_replaced_and_the_fit_goes_on(
    project: Project, undisturbed: dict[str, str]
):
    with fitting(project, *ON_TWO_WORKERS) as run:
        worker = run.fits()[0].parent()
        assert worker is not None
        assert worker.pid != run.process.pid
        worker.kill()

        assert run.end() == 0, run.output
        assert run.processes() == []

    assert weights(project) == undisturbed


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("to_all", [True, False], ids=["as a terminal does", "as kill does"])
def test_stopped_it_keeps_what_its_fits_have_and_leaves_nothing_running(
    project: Project, undisturbed: dict[str, str], number: signal.Signals, to_all: bool
):
    with fitting(project, *ON_TWO_WORKERS) as run:
        (os.killpg if to_all else os.kill)(run.process.pid, number)

        assert run.end(30) == 128 + number, run.output
        assert until(lambda: not run.processes(), 10)

    assert run.output.rstrip().splitlines()[-1].startswith("Error: run: stopped by ")
    assert "Traceback" not in run.output
    assert checkpoints(project)
    assert project.run(*LONG_FIT, "--params", LONG).returncode == 0
    assert weights(project) == undisturbed


def test_killed_itself_it_takes_its_workers_and_fits_along(project: Project, undisturbed: dict[str, str]):
    with fitting(project, *ON_TWO_WORKERS) as run:
        run.process.kill()

        assert until(lambda: not run.processes(), 20)

    with started(project, *ON_TWO_WORKERS) as again:
        assert again.end() == 0, again.output
    assert weights(project) == undisturbed


def test_a_second_run_at_a_fit_is_refused_and_the_first_undisturbed(project: Project, undisturbed: dict[str, str]):
    with fitting(project, *ON_TWO_WORKERS) as run:
        second = project.run(*LONG_FIT, "--params", LONG)

        assert run.end() == 0, run.output

    assert second.returncode == 1
    assert "being written by process" in second.stderr.splitlines()[-1]
    assert weights(project) == undisturbed


def test_a_scheduler_that_is_killed_ends_the_run_in_one_line(project: Project, undisturbed: dict[str, str]):
    address = "tcp://127.0.0.1:18786"
    with (
        started(project, "--host", "127.0.0.1", "--port", "18786", "--no-dashboard", command=SCHEDULER) as scheduler,
        started(project, address, "--nthreads", "1", "--no-dashboard", command=WORKER) as worker,
        fitting(project, *LONG_FIT, *DASK, "--params", f"cluster.address={address},{LONG}") as run,
    ):
        scheduler.process.kill()

        assert run.end(90) == 1
        assert until(lambda: not worker.processes(), 90)

    assert run.output.splitlines()[-1].startswith("Error: cluster: lost")
    assert "Traceback" not in run.output
    assert project.run(*LONG_FIT, "--params", LONG).returncode == 0
    assert weights(project) == undisturbed


def test_the_scripts_of_a_cloud_cluster_run_a_study_encrypted(tiny_project: Project, tmp_path: Path):
    keys, address = str(tmp_path / "keys"), "tls://127.0.0.1:18787"
    with started(tiny_project, keys, command=_script("certificates")) as made:
        assert made.end() == 0, made.output
    with (
        started(tiny_project, keys, "18787", command=_script("scheduler")),
        started(tiny_project, keys, address, command=_script("worker")),
        started(tiny_project, keys, address, "data_engineering", command=_script("run")) as run,
    ):
        assert run.end() == 0, run.output

    assert (tiny_project.data / "05_model_input" / "tensors" / "receipt.json").exists()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "keys").iterdir())


def _script(name: str) -> tuple[str, ...]:
    return "bash", str(Path(__file__).parents[2] / "examples" / "cluster" / f"{name}.sh")
