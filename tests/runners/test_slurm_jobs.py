"""Workers that are jobs, with commands in the place of SLURM's that start and end them on this machine.

SLURM itself is met by ``make reliability-slurm``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import dask
import psutil
import pytest
from dask_jobqueue.slurm import SLURMJob

from faircmr.core import SLURM, ClusterParameters
from faircmr.runners.cluster import cluster_client
from tests.runners.clusters import until

SBATCH = """#!/bin/bash
script="$(mktemp)"
cp "$1" "$script"
setsid bash "$script" > /dev/null 2>&1 < /dev/null &
echo "Submitted batch job $!"
echo "$!" >> {jobs}
"""
SCANCEL = """#!/bin/bash
kill -KILL -- "-$1"
"""
SETTINGS = {
    f"jobqueue.{SLURMJob.config_name}": {
        **dask.config.get(f"jobqueue.{SLURMJob.config_name}"),
        "cores": 1,
        "memory": "1GB",
        "interface": "lo",
        "shared-temp-directory": ".",
    },
    "distributed.deploy.lost-worker-timeout": "100ms",
}


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that lists the jobs submitted so far, each a process and its group."""
    listed = tmp_path / "jobs"
    for name, script in {"sbatch": SBATCH.format(jobs=listed), "scancel": SCANCEL}.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("faircmr.runners.cluster.SECONDS_TO_REPLACE", 0.2)
    yield listed
    for job in _numbers(listed):
        if psutil.pid_exists(job):
            os.killpg(job, signal.SIGKILL)


def _numbers(listed: Path) -> list[int]:
    return [int(line) for line in listed.read_text().split()] if listed.exists() else []


def _listening() -> set[tuple[str, int]]:
    found = psutil.Process().net_connections("inet")
    return {tuple(one.laddr) for one in found if one.status == psutil.CONN_LISTEN}


def test_a_job_that_is_lost_is_submitted_again_and_none_is_left(jobs: Path):
    listening = _listening()
    with (
        dask.config.set(SETTINGS),
        cluster_client(ClusterParameters(address=SLURM, workers=2)) as client,
    ):
        client.wait_for_workers(2, timeout=60)
        assert {address for address, _ in _listening() - listening} == {"127.0.0.1"}, "of the interface, and no other"
        first, second = _numbers(jobs)
        os.killpg(first, signal.SIGKILL)

        assert until(lambda: len(_numbers(jobs)) == 3, 60), "as many as were asked for"
        assert until(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == 2, 60)
        assert psutil.pid_exists(second), "the others stay as they are"
        submitted = _numbers(jobs)

    assert until(lambda: not any(psutil.pid_exists(job) for job in submitted), 20)
    assert _numbers(jobs) == submitted, "nothing is submitted for a run that has ended"
