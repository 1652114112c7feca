"""Lose parts of a Dask cluster under a study: does it end with the same tables?

Each case is a study of its own, from nothing. It is disturbed while a fit is under way that has saved a checkpoint:

- a worker is killed: the run goes on by itself;
- the scheduler is killed: the run ends with a clear line, and is run again with another one;
- the run is killed, and with it the local cluster: it is run again;
- two runs of one study meet at one fit, each with a worker: the second ends with a line that says who makes it, the
  first goes on, and the study is run again.

Every file is then compared with an undisturbed study that was run without Dask. A case that has been done is not done
again.

    python -m benchmarks.reliability.dask_failures --folder .benchmarks/reliability
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGCONT, SIGSTOP

from benchmarks.reliability.comparison import comparable, differences
from benchmarks.reliability.dask_runs import (
    Run,
    a_fit,
    end,
    external,
    parent,
    run_on_cluster,
)
from benchmarks.reliability.studies import Records, fresh, undisturbed
from tests.studies import Project

LOCAL = "cluster.workers=2"
ALONE = "cluster.workers=1"


OF_ERRORS = ("Error: ", " failed: ")
"""In the line that ends a run, and in that of each node of it that failed."""
SECONDS_TO_END = 30.0
"""For workers that have lost whoever started them."""


@dataclass(frozen=True)
class Ended:
    """How one run ended.

    Attributes:
        status: Its exit status.
        said: What it said of errors.
        left: Processes that it had started and that outlived it.
    """

    status: int
    said: Sequence[str]
    left: int


@dataclass(frozen=True)
class Outcome:
    """One case.

    Attributes:
        case: What was lost.
        statuses: Exit status of each run, in order.
        said: What they said of errors.
        left: Processes that outlived them.
        differences: Files that, in the end, are not those of the undisturbed study.
        seconds: That it took.
    """

    case: str
    statuses: Sequence[int]
    said: Sequence[str]
    left: int
    differences: Sequence[str]
    seconds: float


def ended(run: Run) -> Ended:
    """Wait for a run, and a little for what it has started."""
    status, latest = run.ended(), time.monotonic() + SECONDS_TO_END
    while run.started and time.monotonic() < latest:
        time.sleep(0.1)
    said = [" ".join(line.split()) for line in run.said.splitlines() if any(word in line for word in OF_ERRORS)]
    return Ended(status, said, len(run.started))


def worker_killed(project: Project) -> list[Ended]:
    """One worker of two is lost; nobody runs anything again."""
    with run_on_cluster(project, "first", LOCAL) as run:
        end(parent(a_fit(project, run)))
        return [ended(run)]


def scheduler_killed(project: Project) -> list[Ended]:
    """The scheduler of a cluster that somebody has started is lost."""
    with external(project) as (scheduler, cluster), run_on_cluster(project, "first", cluster) as run:
        a_fit(project, run)
        end(scheduler.process.pid)
        first = ended(run)
    with external(project) as (_, cluster), run_on_cluster(project, "second", cluster) as run:
        return [first, ended(run)]


def run_killed(project: Project) -> list[Ended]:
    """The run is lost, and with it the scheduler of its local cluster."""
    with run_on_cluster(project, "first", LOCAL) as run:
        a_fit(project, run)
        end(run.process.pid)
        first = ended(run)
    with run_on_cluster(project, "second", LOCAL) as run:
        return [first, ended(run)]


def two_at_one_fit(project: Project) -> list[Ended]:
    """Two runs of one study, each with a worker of its own; the fit of the first is halted while the second runs."""
    with run_on_cluster(project, "first", ALONE) as run:
        halted = a_fit(project, run)
        os.kill(halted, SIGSTOP)
        with run_on_cluster(project, "second", ALONE) as other:
            second = ended(other)
        os.kill(halted, SIGCONT)
        first = ended(run)
    with run_on_cluster(project, "third", ALONE) as run:
        return [second, first, ended(run)]


CASES: dict[str, Callable[[Project], list[Ended]]] = {
    "a worker killed during a fit": worker_killed,
    "the scheduler killed": scheduler_killed,
    "the run killed, with its local cluster": run_killed,
    "two runs, and so two workers, at one fit": two_at_one_fit,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where studies and results are kept")
    outcomes = campaign(parser.parse_args().folder.resolve())
    sys.stdout.write(f"{table(outcomes)}\n")
    return int(any(one.differences or one.left or one.statuses[-1] for one in outcomes))


def campaign(folder: Path) -> list[Outcome]:
    """Every case; those of an earlier start count."""
    records, reference = Records(folder / "dask.jsonl"), undisturbed(folder)
    outcomes = [Outcome(**found) for found in records.read()]  # type: ignore[arg-type]
    for case in [name for name in CASES if name not in {one.case for one in outcomes}]:
        with fresh(folder, reference.project) as project:
            start = time.monotonic()
            runs = CASES[case](project)
            outcome = Outcome(
                case,
                [run.status for run in runs],
                [line for run in runs for line in run.said],
                sum(run.left for run in runs),
                differences(comparable(project.data), reference.files),
                time.monotonic() - start,
            )
        records.add(outcome)
        outcomes.append(outcome)
        sys.stderr.write(f"{outcome}\n")
    return outcomes


def table(outcomes: Sequence[Outcome]) -> str:
    lines = [
        "| lost | exit status of each run | files that differ | processes left | seconds |",
        "|---|---|---|---|---|",
    ]
    for one in outcomes:
        statuses = ", ".join(map(str, one.statuses))
        lines.append(f"| {one.case} | {statuses} | {len(one.differences)} | {one.left} | {one.seconds:.0f} |")
    return "\n".join([*lines, "", *(f"- {one.case}: {line}" for one in outcomes for line in one.said)])


if __name__ == "__main__":
    sys.exit(main())
