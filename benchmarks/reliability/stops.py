"""Tell a study to stop again and again: is it gone within ten seconds, and does it end as if nothing had happened?

At a moment drawn as for kills, the run is sent SIGTERM, which is what a cluster sends before it takes a machine away.
Seconds are counted until its process is gone. The same command is run again, and may be stopped again, until one run
ends. Then all is compared as after kills. Cut it off and start it again at will.

    python -m benchmarks.reliability.stops --folder .benchmarks/reliability --stops 40
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM

import numpy as np

from benchmarks.reliability.comparison import broken_receipts, comparable, differences, leftovers
from benchmarks.reliability.disturbed import SENT
from benchmarks.reliability.kills import part_in_progress, repeated
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

MOST_SECONDS = 10.0
HOW_TO_GO_ON = "; run the same command again to go on"
STOPPED, UNPREPARED = 128 + SIGTERM, -SIGTERM
"""Exit status of a run that was stopped; and of one that had hardly begun, and had nothing to lose."""


@dataclass(frozen=True)
class Stop:
    """One run that was told to stop.

    Attributes:
        part: What was in progress.
        seconds: From the signal until the process was gone.
        clear: Whether it said so and how to go on, or had not begun.
    """

    part: str
    seconds: float
    clear: bool


@dataclass(frozen=True)
class Outcome:
    """One study.

    Attributes:
        number: Which of the campaign.
        stops: One a run that was told to stop.
        wrong: Files that differ from the undisturbed study, broken receipts, files left half-written, steps repeated.
    """

    number: int
    stops: Sequence[Stop]
    wrong: Sequence[str]


def main() -> int:
    options = arguments_of(__doc__, "stops", most=40)
    outcomes = campaign(options.folder.resolve(), options.most, options.seed)
    sys.stdout.write(f"{table(outcomes)}\n")
    stops = [stop for one in outcomes for stop in one.stops]
    return int(any(one.wrong for one in outcomes) or any(late(stop) or not stop.clear for stop in stops))


def late(stop: Stop) -> bool:
    return stop.seconds > MOST_SECONDS


def campaign(folder: Path, stops: int, seed: int) -> list[Outcome]:
    """Studies until there have been so many stops; those of an earlier start count."""
    records, reference = Records(folder / f"stops-{seed}.jsonl"), undisturbed(folder)
    outcomes = [_read(found) for found in records.read()]
    while sum(len(one.stops) for one in outcomes) < stops:
        number = len(outcomes)
        with fresh(folder, reference.project) as project:
            outcomes.append(disturb(reference, project, number, generator(seed, "stops", number)))
        records.add(outcomes[-1])
        sys.stderr.write(f"{outcomes[-1]}\n")
    return outcomes


def disturb(reference: Undisturbed, project: Project, number: int, rng: np.random.Generator) -> Outcome:
    """Stop one study until it ends."""
    stops: list[Stop] = []
    while True:
        forget_log(project)
        done = run_disturbed(project, "stop", reference.draw_moment(rng))
        seconds = time.time() - float((project.folder / SENT).read_text()) if done.returncode else 0.0
        if done.returncode not in (STOPPED, UNPREPARED):
            break
        stops.append(Stop(part_in_progress(project), seconds, done.returncode == UNPREPARED or is_clear(done.stderr)))
    expect_success(done)
    found = [*differences(comparable(project.data), reference.files), *broken_receipts(project.data)]
    return Outcome(number, stops, [*found, *leftovers(project.data), *repeated(project)])


def is_clear(said: str) -> bool:
    """Whether there is one error, in one line, which says that it was stopped and how to go on."""
    errors = [line for line in said.splitlines() if "Error" in line or "Traceback" in line]
    return len(errors) == 1 and "stopped" in errors[0] and errors[0].endswith(HOW_TO_GO_ON)


def table(outcomes: Sequence[Outcome]) -> str:
    """Stops by what was in progress, and what came of the studies."""
    stops = [stop for one in outcomes for stop in one.stops]
    lines = ["| in progress when told to stop | runs | most seconds until it was gone |", "|---|---|---|"]
    for part in (STARTING, *PARTS):
        seconds = [stop.seconds for stop in stops if stop.part == part]
        lines.append(f"| {part} | {len(seconds)} | {max(seconds, default=float('nan')):.1f} |")
    lines.append(f"| together | {len(stops)} | {max((stop.seconds for stop in stops), default=float('nan')):.1f} |")
    unclear, wrong = sum(not stop.clear for stop in stops), sum(len(one.wrong) for one in outcomes)
    return "\n".join([*lines, "", f"{len(outcomes)} studies; stops without a clear line: {unclear}; wrong: {wrong}"])


def _read(found: dict[str, object]) -> Outcome:
    stops = [Stop(**stop) for stop in found.pop("stops")]  # type: ignore[attr-defined]
    return Outcome(stops=stops, **found)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
