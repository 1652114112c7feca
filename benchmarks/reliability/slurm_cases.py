"""What SLURM does to a study: jobs that are told to end, cancelled, requeued, out of time, and workers that are jobs.

The scripts of ``examples/cluster`` are submitted as they stand there. What is done to them is done while a fit is under
way that has saved a checkpoint.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.reliability.dask_failures import OF_ERRORS
from benchmarks.reliability.dask_runs import PROC, SECONDS, end, fitting, until
from benchmarks.reliability.slurm_cluster import Slurm
from benchmarks.reliability.studies import PARAMETERS, REPOSITORY
from tests.studies import Project

PIPELINES = "baseline,meta_learning"
"""Two strategies: their fits need nothing of each other."""
EXAMPLES = REPOSITORY / "examples" / "cluster"
THREADS = "training.threads=1"
"""As in the undisturbed study: other numbers of threads round otherwise."""
CPU = f"{PARAMETERS},training.device=auto,cluster.gpus=0,{THREADS}"
MINUTES = "3"
"""SLURM looks twice a minute whether it is a minute before the end: a job has one and a half to two to itself."""
MOST_JOBS = 20


@dataclass(frozen=True)
class Place:
    """A study and the cluster that it is run on."""

    slurm: Slurm
    project: Project

    @classmethod
    def of(cls, slurm: Slurm, project: Project) -> Place:
        """A project with the environment where the scripts look for it."""
        (project.folder / ".venv").symlink_to(sys.prefix)
        return cls(slurm, project)

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a user who submits something: one interface, and the project's own source."""
        own = {"OMP_NUM_THREADS": "1", "DASK_JOBQUEUE__SLURM__INTERFACE": "lo"}
        return {**self.project.environment(), **self.slurm.variables, **own}

    def submitted(self, *options: str) -> str:
        """Number of a job that runs the study with two local workers."""
        script = str(EXAMPLES / "slurm.sh")
        command = ["sbatch", "--parsable", *options, script, PIPELINES, f"{CPU},cluster.workers=2"]
        done = subprocess.run(
            command, cwd=self.project.folder, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def ended(self, job: str) -> str:
        return str(self.slurm.ended(job))

    @contextmanager
    def workers(self, count: int) -> Iterator[subprocess.Popen[bytes]]:
        """The script whose workers are jobs."""
        command = [str(EXAMPLES / "slurm_workers.sh"), str(count), PIPELINES, CPU]
        with (self.project.folder / "logs" / "slurm-workers.out").open("ab") as out:
            process = subprocess.Popen(
                command, cwd=self.project.folder, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )
        try:
            yield process
        finally:
            end(process.pid)
            process.wait()

    def a_fit(self) -> int:
        """Process of a fit that has saved a checkpoint, once there is one."""
        found: list[int] = []

        def saved() -> bool:
            checkpoints = list((self.project.data / "06_models").glob("*/*/*/checkpoint-*.safetensors"))
            found[:] = fitting(self.project) if checkpoints else []
            return bool(found)

        until(saved, "a fit has saved a checkpoint")
        return found[0]

    def said(self) -> list[str]:
        """What jobs and scripts said of errors."""
        logs = sorted((self.project.folder / "logs").glob("slurm-*.out"))
        lines = [line for log in logs for line in log.read_text().splitlines()]
        return [" ".join(line.split()) for line in lines if any(word in line for word in OF_ERRORS)]


def job_of(process: int) -> str:
    """Number of the job that a process belongs to."""
    variables = (PROC / str(process) / "environ").read_bytes().split(b"\0")
    return next(one.partition(b"=")[2].decode() for one in variables if one.startswith(b"SLURM_JOB_ID="))


def undisturbed_job(place: Place) -> list[str]:
    """One job."""
    return [place.ended(place.submitted())]


def cancelled(place: Place, *options: str) -> list[str]:
    """A job is cancelled, and another one submitted."""
    job = place.submitted()
    place.a_fit()
    place.slurm.call("scancel", *options, job)
    return [place.ended(job), place.ended(place.submitted())]


def told(place: Place) -> list[str]:
    """A job is sent what SLURM sends it before its time is over."""
    return cancelled(place, "--batch", "--signal=TERM")


def requeued(place: Place) -> list[str]:
    """A job is taken from its machine; nobody submits anything."""
    job = place.submitted()
    place.a_fit()
    place.slurm.call("scontrol", "requeue", job)
    return [place.ended(job)]


def out_of_time(place: Place) -> list[str]:
    """Jobs whose time is too short, one after the other, until the study is done."""
    ends: list[str] = []
    while not any(one.startswith("COMPLETED") for one in ends) and len(ends) < MOST_JOBS:
        ends.append(place.ended(place.submitted(f"--time={MINUTES}")))
    return ends


def workers(place: Place, disturb: Callable[[Place], None] = lambda _: None) -> list[str]:
    """Two workers, each a job."""
    with place.workers(2) as process:
        disturb(place)
        return [f"script {process.wait(SECONDS)}"]


def worker_cancelled(place: Place) -> list[str]:
    """Of two workers, the one that fits something is cancelled, as at the end of its time."""
    return workers(place, lambda place: _to_the_worker(place, "scancel"))


def worker_requeued(place: Place) -> list[str]:
    """Of two workers, the one that fits something is taken from its machine."""
    return workers(place, lambda place: _to_the_worker(place, "scontrol", "requeue"))


def all_workers_cancelled(place: Place) -> list[str]:
    """Every worker is cancelled at once."""
    return workers(place, _cancel_workers)


def script_stopped(place: Place) -> list[str]:
    """The script that submits workers is sent SIGTERM, and run again."""
    with place.workers(2) as process:
        place.a_fit()
        process.terminate()
        first = f"script {process.wait(SECONDS)}"
    return [first, *workers(place)]


def _cancel_workers(place: Place) -> None:
    place.a_fit()
    place.slurm.call("scancel", *place.slurm.jobs())


def _to_the_worker(place: Place, *command: str) -> None:
    place.slurm.call(*command, job_of(place.a_fit()))


CASES: dict[str, Callable[[Place], list[str]]] = {
    "nothing": undisturbed_job,
    "a job told to end (`scancel --batch --signal=TERM`)": told,
    "a job requeued (`scontrol requeue`)": requeued,
    "workers as jobs: nothing": workers,
    "workers as jobs: one cancelled in a fit": worker_cancelled,
    "workers as jobs: all cancelled": all_workers_cancelled,
    f"jobs of {MINUTES} minutes, until it is done": out_of_time,
    "a job cancelled (`scancel`)": cancelled,
    "workers as jobs: one requeued in a fit": worker_requeued,
    "workers as jobs: the script told to end": script_stopped,
}
