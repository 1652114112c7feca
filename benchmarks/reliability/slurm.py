"""Run the scripts of ``examples/cluster`` under SLURM, and disturb them as SLURM does.

A cluster of one node is started for it on this machine, and ended with it. Each case is a study of its own, from
nothing. Every file is then compared with an undisturbed study that was run without Dask and without SLURM. A case that
has been done is not done again.

    python -m benchmarks.reliability.slurm --folder .benchmarks/reliability
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.reliability.comparison import comparable, differences, leftovers
from benchmarks.reliability.slurm_cases import CASES, PIPELINES, Place
from benchmarks.reliability.slurm_cluster import one_node, require_slurm
from benchmarks.reliability.studies import PARAMETERS, REPOSITORY, Records, expect_success, fresh, run_disturbed
from tests.studies import Project, write_tiny_project


@dataclass(frozen=True)
class Outcome:
    """One case.

    Attributes:
        case: What SLURM did.
        ends: How each job, or the script itself, ended, in order.
        said: What was said of errors.
        left: Jobs that outlived the script that submitted them.
        differences: Files that, in the end, are not those of the undisturbed study, or half-written.
        seconds: That it took.
    """

    case: str
    ends: Sequence[str]
    said: Sequence[str]
    left: Sequence[str]
    differences: Sequence[str]
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where studies and results are kept")
    folder, version = parser.parse_args().folder.resolve(), require_slurm()
    # whoever ends this script ends its cluster with it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    outcomes = campaign(folder)
    sys.stdout.write(f"{version}\n\n{table(outcomes)}\n")
    return int(any(one.differences or one.left for one in outcomes))


def campaign(folder: Path) -> list[Outcome]:
    """Every case; those of an earlier start count."""
    records, (source, expected) = Records(folder / "slurm.jsonl"), undisturbed(folder)
    outcomes = [Outcome(**found) for found in records.read()]  # type: ignore[arg-type]
    with one_node() as slurm:
        for case in [name for name in CASES if name not in {one.case for one in outcomes}]:
            with fresh(folder, source) as project:
                outcome = judged(case, Place.of(slurm, project), expected)
            records.add(outcome)
            outcomes.append(outcome)
            sys.stderr.write(f"{outcome}\n")
    return outcomes


def undisturbed(folder: Path) -> tuple[Project, dict[str, str]]:
    """A study that nothing happened to, run where that has not been done, and the digest of each of its files."""
    project, record = Project(folder / "slurm-undisturbed"), folder / "slurm-undisturbed.json"
    if not record.is_file():
        shutil.rmtree(project.folder, ignore_errors=True)
        project = write_tiny_project(project.folder, REPOSITORY)
        expect_success(run_disturbed(project, arguments=("run", "--pipelines", PIPELINES, "--params", PARAMETERS)))
        record.write_text(json.dumps(comparable(project.data)))
    return project, json.loads(record.read_bytes())


def judged(case: str, place: Place, expected: dict[str, str]) -> Outcome:
    """Do one case and compare what it leaves."""
    start = time.monotonic()
    ends = CASES[case](place)
    seconds, data = time.monotonic() - start, place.project.data
    found = [*differences(comparable(data), expected), *leftovers(data)]
    return Outcome(case, ends, place.said(), place.slurm.jobs(), found, seconds)


def table(outcomes: Sequence[Outcome]) -> str:
    lines = ["| what SLURM did | how jobs ended | files that differ | jobs left | seconds |", "|---|---|---|---|---|"]
    for one in outcomes:
        ends = ", then ".join(one.ends)
        lines.append(f"| {one.case} | {ends} | {len(one.differences)} | {len(one.left)} | {one.seconds:.0f} |")
    return "\n".join([*lines, "", *(f"- {one.case}: {line}" for one in outcomes for line in one.said)])


if __name__ == "__main__":
    sys.exit(main())
