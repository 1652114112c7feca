"""What two workers gain: 5 strategies x 2 seeds, against the same fits run alone, one thread each.

Everything before the fits is made first and not timed. Then every fit is made on a local cluster of two workers, timed
from the first process that fits something to the end of the last; and then each of them again, in the same order, in a
process of its own: with nothing beside it, and once more two at a time, without Dask, which is what the machine gives.
Run it on an idle machine with two CPUs or more.

    python -m benchmarks.reliability.dask_speed --folder .benchmarks/reliability
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.reliability.dask_runs import FIT, fitting, run_on_cluster
from benchmarks.reliability.studies import REPOSITORY, expect_success, fresh, run_disturbed
from faircmr.segmentation.training import FitJob
from tests.studies import Project

STRATEGIES = ("baseline", "stratified", "meta_learning", "protected_groups", "balanced")
PARAMETERS = """
fits: {training_seeds: [0, 1]}
plans: {patch: [64, 64], batch_size: 6, base_filters: 8, stages: 4}
training: {epochs: 8, iterations_per_epoch: 20, threads: 1, validation_batches: 1}
"""
WORKERS = 2
SECONDS_BETWEEN_LOOKS = 0.25
"""To look at every process is work, for which a fit has to wait."""
MOST = 1.15
"""That it may take, of what is ideal."""


@dataclass(frozen=True)
class Speed:
    """Seconds.

    Attributes:
        together: From the first fit to the end of the last on the cluster.
        one_left: Of these, with fewer fits under way than there are workers.
        without_dask: For the same fits, as many at a time as there are workers, each started by this script.
        alone: Of each fit in a process of its own, by its place.
        critical: The longest chain of fits that begin with each other.
    """

    together: float
    one_left: float
    without_dask: float
    alone: dict[str, float]
    critical: float

    @property
    def ideal(self) -> float:
        """Of the cluster, if nothing were lost."""
        return sum(self.alone.values()) / WORKERS


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the result is kept")
    record = parser.parse_args().folder.resolve() / "dask-speed.json"
    if not record.is_file():
        speed = measured(record.parent)
        record.write_text(json.dumps(asdict(speed), indent=1))
    speed = Speed(**json.loads(record.read_text()))
    sys.stdout.write(f"{table(speed)}\n")
    return int(speed.together > MOST * speed.ideal)


def measured(folder: Path) -> Speed:
    with fresh(folder, Project(REPOSITORY)) as project:
        (project.folder / "conf" / "local" / "parameters_tiny.yml").write_text(PARAMETERS)
        pipelines = ("--pipelines", ",".join(STRATEGIES))
        before = ["preprocess_cohort", *(f"{strategy}.select_training_cohort" for strategy in STRATEGIES)]
        expect_success(run_disturbed(project, arguments=("run", *pipelines, "--to-nodes", ",".join(before))))
        fits = ",".join(f"{strategy}.train" for strategy in STRATEGIES)
        together, one_left = on_cluster(project, (*pipelines, "--to-nodes", fits))
        jobs = [FitJob.read(path) for path in sorted((project.data / "06_models").glob("*/*/*/job.json"))]
        jobs = sorted(jobs, key=lambda job: job.after is not None)
        alone = {place(job): fitted(project, job, "alone") for job in jobs}
        without_dask = side_by_side(project, jobs)
    critical = max(sum(alone[one] for one in chain(job)) for job in jobs)
    return Speed(together, one_left, without_dask, alone, critical)


def on_cluster(project: Project, arguments: tuple[str, ...]) -> tuple[float, float]:
    """Seconds with any fit under way, and those with fewer than there are workers."""
    looks: list[tuple[float, int]] = []
    with run_on_cluster(project, "cluster", f"cluster.workers={WORKERS}", arguments, parameters="") as run:
        while run.process.poll() is None:
            looks.append((time.monotonic(), len(fitting(project))))
            time.sleep(SECONDS_BETWEEN_LOOKS)
        if run.process.returncode:
            raise SystemExit(run.said)
    busy = [index for index, (_, count) in enumerate(looks) if count]
    spans = [(looks[one + 1][0] - looks[one][0], looks[one][1]) for one in range(busy[0], busy[-1] + 1)]
    return sum(seconds for seconds, _ in spans), sum(seconds for seconds, count in spans if count < WORKERS)


def side_by_side(project: Project, jobs: Sequence[FitJob]) -> float:
    """Seconds for all fits, as many at a time as there are workers; each begins when what it begins with is there."""
    futures: dict[Path, Future[float]] = {}

    def one(job: FitJob) -> float:
        if job.after is not None:
            futures[job.after.folder].result()
        return fitted(project, job, "side-by-side")

    start = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        for job in jobs:
            futures[job.folder] = pool.submit(one, job)
    for future in futures.values():
        future.result()
    return time.monotonic() - start


def fitted(project: Project, job: FitJob, folder: str) -> float:
    """Seconds that a process takes for a fit, which it leaves in a folder beside that of the study."""
    path = project.folder / f"{folder}-{place(job).replace('/', '-')}.json"
    path.write_text(elsewhere(job, folder).model_dump_json())
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", FIT, str(path)],
        cwd=project.folder,
        env={**os.environ, **project.environment(), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    return time.monotonic() - start


def elsewhere(job: FitJob, folder: str) -> FitJob:
    """The same fit in another folder."""
    before = None if job.after is None else elsewhere(job.after, folder)
    return job.model_copy(update={"folder": Path(folder, *job.folder.parts[-3:]), "after": before})


def chain(job: FitJob) -> Iterator[str]:
    """A fit, and those that it begins with."""
    yield place(job)
    if job.after is not None:
        yield from chain(job.after)


def place(job: FitJob) -> str:
    return "/".join(job.folder.parts[-3:])


def table(speed: Speed) -> str:
    rows = [
        (f"{len(speed.alone)} fits alone, one thread each, together", sum(speed.alone.values())),
        (f"the same divided by {WORKERS}", speed.ideal),
        (f"on a cluster of {WORKERS} workers, from the first fit to the end of the last", speed.together),
        ("of which with a worker idle", speed.one_left),
        (f"{WORKERS} at a time without Dask", speed.without_dask),
        ("longest chain (shared fit, then a group's)", speed.critical),
    ]
    lines = ["| what | seconds |", "|---|---|", *(f"| {what} | {seconds:.1f} |" for what, seconds in rows)]
    return "\n".join([*lines, "", f"Ratio to what is ideal: {speed.together / speed.ideal:.2f} (at most {MOST})"])


if __name__ == "__main__":
    sys.exit(main())
