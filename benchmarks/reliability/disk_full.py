"""Fill the disk under a study: does it say so, keep what is whole, and go on when there is room?

A study lies on a file system of its own, in memory. At a moment drawn as for kills, all of its free space is taken.
The run must end with one line that names a folder and "No space left on device", and every file that a receipt vouches
for must be that of the undisturbed study. The space is given back, the same command is run again, and then every file
is compared. A run with nothing more to write is drawn anew.

Mounting needs a namespace of this script's own, which root has, and where the kernel permits it every other user.
Cut it off and start it again at will.

    python -m benchmarks.reliability.disk_full --folder .benchmarks/reliability --fills 20
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.reliability.comparison import broken_receipts, comparable, differences, leftovers, vouched
from benchmarks.reliability.disturbed import BALLAST
from benchmarks.reliability.kills import part_in_progress
from benchmarks.reliability.moments import PARTS, STARTING
from benchmarks.reliability.studies import (
    Records,
    Undisturbed,
    arguments_of,
    expect_success,
    forget_log,
    fresh,
    run_disturbed,
    undisturbed,
)
from faircmr.core import generator
from tests.studies import Project

SIZE = "64m"
"""Some five times what the study needs."""
INSIDE = "FAIRCMR_OWN_MOUNTS"
CLEAR = "No space left on device"


@dataclass(frozen=True)
class Outcome:
    """One study.

    Attributes:
        number: Which of the campaign.
        part: What was in progress when the run ended.
        said: What it said.
        corrupt: Receipts that list what is not there, and files that a receipt vouches for and should not.
        left: Files left half-written.
        differences: Files that, in the end, are not those of the undisturbed study.
    """

    number: int
    part: str
    said: str
    corrupt: Sequence[str]
    left: Sequence[str]
    differences: Sequence[str]

    @property
    def clear(self) -> bool:
        """Whether it said in one line which folder, what, and what to do."""
        lines = [line for line in self.said.splitlines() if "Error" in line or "Traceback" in line]
        return len(lines) == 1 and lines[0].startswith("Error: folder ") and CLEAR in lines[0]


def main() -> int:
    enter_own_mounts()
    options = arguments_of(__doc__, "fills", most=20)
    outcomes = campaign(options.folder.resolve(), options.most, options.seed)
    sys.stdout.write(f"{table(outcomes)}\n")
    return int(any(one.corrupt or one.differences or one.left or not one.clear for one in outcomes))


def enter_own_mounts() -> None:
    """Become a process whose mounts are its own and end with it.

    Raises:
        SystemExit: The system does not permit it.
    """
    if INSIDE in os.environ:
        return
    own = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run(["unshare", *own, "true"], check=False).returncode:
        raise SystemExit("a file system of limited size cannot be mounted: run this as root, or permit user namespaces")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", *own, sys.executable, "-m", "benchmarks.reliability.disk_full", *sys.argv[1:]])


def campaign(folder: Path, fills: int, seed: int) -> list[Outcome]:
    """So many studies; those of an earlier start count."""
    records, reference = Records(folder / f"fills-{seed}.jsonl"), undisturbed(folder)
    outcomes = [Outcome(**found) for found in records.read()]  # type: ignore[arg-type]
    for number in range(len(outcomes), fills):
        outcome = disturb(reference, folder, number, generator(seed, "fills", number))
        records.add(outcome)
        outcomes.append(outcome)
        sys.stderr.write(f"{outcome}\n")
    return outcomes


def disturb(reference: Undisturbed, folder: Path, number: int, rng: np.random.Generator) -> Outcome:
    """Fill the disk under one study."""
    while True:
        with fresh(folder, reference.project) as project, small_disk(project):
            done = run_disturbed(project, "fill", reference.draw_moment(rng))
            if done.returncode:
                return judged(reference, project, number, done.stderr)


def judged(reference: Undisturbed, project: Project, number: int, said: str) -> Outcome:
    """What is there after a run that found no room, and after another one that found some."""
    part, left = part_in_progress(project), leftovers(project.data)
    other = differences(comparable(project.data), reference.files)
    corrupt = [*broken_receipts(project.data), *sorted(vouched(project.data).intersection(other))]
    (project.folder / BALLAST).unlink(missing_ok=True)
    forget_log(project)
    expect_success(run_disturbed(project))
    return Outcome(number, part, said, corrupt, left, differences(comparable(project.data), reference.files))


@contextmanager
def small_disk(project: Project) -> Iterator[None]:
    """A file system in memory in place of the project's folder ``data``."""
    data = project.folder / "data"
    data.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(data)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True)


def table(outcomes: Sequence[Outcome]) -> str:
    """Runs by what was in progress, and what came of the studies."""
    by_part = Counter(one.part for one in outcomes)
    found = {
        "runs that ended with one clear line": sum(one.clear for one in outcomes),
        "files corrupt": sum(len(one.corrupt) for one in outcomes),
        "files left half-written": sum(len(one.left) for one in outcomes),
        "files that, in the end, differ from those of the undisturbed study": sum(
            len(one.differences) for one in outcomes
        ),
    }
    lines = ["| in progress when the disk was full | runs |", "|---|---|"]
    lines += [f"| {part} | {by_part[part]} |" for part in (STARTING, *PARTS)]
    lines += [f"| together | {len(outcomes)} |", "", "| found | number |", "|---|---|"]
    lines += [f"| {what} | {count} |" for what, count in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
