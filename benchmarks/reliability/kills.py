"""Kill a study again and again: does it end as if nothing had happened?

A study runs from nothing. At a moment drawn from the seed, anywhere in it or in a part that is drawn first, SIGKILL
ends the whole process group; the same command is run again, and may be killed again, until one run ends. Then every
file is compared with the undisturbed study, no receipt may list what is not there, and a further run may find nothing
to do. Cut it off and start it again at will; of two that run at once, each needs a folder of its own.

    python -m benchmarks.reliability.kills --folder .benchmarks/reliability --kills 100
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

import numpy as np

from benchmarks.reliability.comparison import broken_receipts, comparable, differences, leftovers
from benchmarks.reliability.moments import PART_OF, PARTS, STARTING
from benchmarks.reliability.studies import (
    Records,
    Undisturbed,
    arguments_of,
    expect_success,
    forget_log,
    fresh,
    nodes_begun,
    run_disturbed,
    undisturbed,
)
from faircmr.core import generator
from tests.studies import Project


@dataclass(frozen=True)
class Outcome:
    """One study.

    Attributes:
        number: Which of the campaign.
        kills: Part of the study that was in progress at each.
        differences: Files that are not those of the undisturbed study.
        broken: Receipts that list what is not there.
        left: Files left half-written.
        repeated: Nodes that a further run found to do.
        seconds: That it took, with all its restarts.
    """

    number: int
    kills: Sequence[str]
    differences: Sequence[str]
    broken: Sequence[str]
    left: Sequence[str]
    repeated: Sequence[str]
    seconds: float


def main() -> int:
    options = arguments_of(__doc__, "kills", most=100)
    outcomes = campaign(options.folder.resolve(), options.most, options.seed)
    sys.stdout.write(f"{table(outcomes)}\n")
    return int(any(one.differences or one.broken or one.repeated or one.left for one in outcomes))


def campaign(folder: Path, kills: int, seed: int) -> list[Outcome]:
    """Studies until there have been so many kills; those of an earlier start count."""
    records, reference = Records(folder / f"kills-{seed}.jsonl"), undisturbed(folder)
    outcomes = [Outcome(**found) for found in records.read()]  # type: ignore[arg-type]
    while sum(len(one.kills) for one in outcomes) < kills:
        number = len(outcomes)
        with fresh(folder, reference.project) as project:
            outcome = disturb(reference, project, number, generator(seed, "kills", number))
        records.add(outcome)
        outcomes.append(outcome)
        sys.stderr.write(f"{outcome}\n")
    return outcomes


def disturb(reference: Undisturbed, project: Project, number: int, rng: np.random.Generator) -> Outcome:
    """Kill one study until it ends."""
    kills, start = [], time.monotonic()
    while True:
        forget_log(project)
        done = run_disturbed(project, "kill", reference.draw_moment(rng))
        if done.returncode != -SIGKILL:
            break
        kills.append(part_in_progress(project))
    expect_success(done)
    seconds = time.monotonic() - start
    found = differences(comparable(project.data), reference.files)
    return Outcome(
        number, kills, found, broken_receipts(project.data), leftovers(project.data), repeated(project), seconds
    )


def repeated(project: Project) -> list[str]:
    """Nodes that a run of a finished study finds to do."""
    forget_log(project)
    expect_success(run_disturbed(project))
    return nodes_begun(project)


def part_in_progress(project: Project) -> str:
    begun = nodes_begun(project)
    return PART_OF[begun[-1]] if begun else STARTING


def table(outcomes: Sequence[Outcome]) -> str:
    """Kills by what was in progress, and what came of the studies."""
    by_part = Counter(part for one in outcomes for part in one.kills)
    rows = [(part, by_part[part]) for part in (STARTING, *PARTS)]
    found = {
        "files that differ from those of the undisturbed study": [one.differences for one in outcomes],
        "receipts that list what is not there": [one.broken for one in outcomes],
        "steps that a further run repeated": [one.repeated for one in outcomes],
        "files left half-written": [one.left for one in outcomes],
    }
    lines = ["| in progress when killed | kills |", "|---|---|"]
    lines += [f"| {part} | {count} |" for part, count in [*rows, ("together", by_part.total())]]
    lines += ["", f"| in {len(outcomes)} studies, {sum(one.seconds for one in outcomes):.0f} s | number |", "|---|---|"]
    lines += [f"| {what} | {sum(map(len, each))} |" for what, each in found.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
