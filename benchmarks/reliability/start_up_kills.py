"""Kill a fit on two devices again and again while it starts: does anything hang, and is any process left?

One process starts the fit, and two train. One of the three is drawn, and a moment between its start and the end of the
first epoch (imports, the meeting of the two, the first steps), at which SIGKILL ends it. Seconds are counted until all
three are gone. Where the process that starts the fit was not the one that was killed, it must end with one clear
line. In the end the fit is run once more and must finish. Cut it off and start it again at will.

    python -m benchmarks.reliability.start_up_kills --folder .benchmarks/reliability --kills 20
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from tempfile import TemporaryDirectory

from benchmarks.reliability.studies import REPOSITORY, Records, arguments_of
from faircmr.core import generator
from tests.segmentation.phantoms import job_of, write_study

LIMIT = 120.0
"""Seconds after which what has not ended counts as hung."""
STARTER, FIRST, SECOND = VICTIMS = ("the process that starts the fit", "first rank", "second rank")
SCRIPT = """
import sys, tempfile
from pathlib import Path
from faircmr.core.errors import FaircmrError
from faircmr.core.host.stopping import stop_on_signals
path = Path(sys.argv[1])
tempfile.tempdir = str(path.parent)
from faircmr.segmentation.training.distributed import fit_on_devices
from faircmr.segmentation.training.jobs import FitJob
try:
    with stop_on_signals():
        fit_on_devices(FitJob.read(path))
except FaircmrError as error:
    sys.exit(f"Error: {error}")
"""


@dataclass(frozen=True)
class Outcome:
    """One start.

    Attributes:
        number: Which of the campaign.
        victim: Which process was killed.
        moment: Seconds from the start of this process to the kill.
        seconds: From the kill until all processes were gone; :data:`LIMIT` where they were not.
        left: Processes that were not gone by then, and had to be killed.
        clear: Whether the process that starts the fit has ended with one clear line, or was the one that was killed.
        finished: Whether the fit had finished before it was killed: such a start does not count.
    """

    number: int
    victim: str
    moment: float
    seconds: float
    left: int
    clear: bool
    finished: bool


def main() -> int:
    options = arguments_of(__doc__, "kills", most=20)
    outcomes = campaign(options.folder.resolve(), options.most, options.seed)
    sys.stdout.write(f"{table(outcomes)}\n")
    return int(any(one.left or not one.clear for one in outcomes))


def campaign(folder: Path, kills: int, seed: int) -> list[Outcome]:
    """Starts until there have been so many kills; those of an earlier campaign of this folder count.

    Raises:
        SystemExit: The fit does not finish when nothing happens to it.
    """
    records = Records(folder / f"start-up-kills-{seed}.jsonl")
    outcomes = [Outcome(**found) for found in records.read()]  # type: ignore[arg-type]
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="starts-", dir=folder) as place:
        write_study(Path(place) / "tensors", subjects=8)
        seconds = _undisturbed(Path(place))
        while sum(not one.finished for one in outcomes) < kills:
            number = len(outcomes)
            rng = generator(seed, "start-up kills", number)
            outcomes.append(kill_one(Path(place), number, str(rng.choice(VICTIMS)), float(rng.uniform(0, seconds))))
            records.add(outcomes[-1])
            sys.stderr.write(f"{outcomes[-1]}\n")
        _undisturbed(Path(place))
    return outcomes


def kill_one(folder: Path, number: int, victim: str, moment: float) -> Outcome:
    """Start the fit and kill one of its processes at a moment."""
    with _started(folder, f"fit-{number}") as (process, place):
        _until(lambda: _pid_of(victim, process, place) is not None or process.poll() is not None)
        time.sleep(moment)
        pid, finished = _pid_of(victim, process, place), process.poll() is not None
        killed = time.monotonic()
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
        ended = _until(lambda: process.poll() is not None and not _ranks(place))
        seconds = time.monotonic() - killed if ended else LIMIT
        left = len(_ranks(place)) + (process.poll() is None)
        printed = (place / "printed.txt").read_text().splitlines()
    finished = finished or (place / "fit" / "fit.json").is_file()
    clear = victim == STARTER or finished or is_clear(printed)
    return Outcome(number, victim, moment, seconds, left, clear, finished)


def is_clear(printed: Sequence[str]) -> bool:
    """Whether there is one error, in one line, which says that a process was killed and what to do."""
    errors = [line for line in printed if "Error" in line or "Traceback" in line]
    return len(errors) == 1 and "2 devices: " in errors[0] and errors[0].count("; ") >= 2


def table(outcomes: Sequence[Outcome]) -> str:
    """Kills by the process that was killed, and what came of them."""
    counted = [one for one in outcomes if not one.finished]
    lines = [
        "| killed | kills | most seconds until all were gone | hung | without a clear line |",
        "|---|---|---|---|---|",
    ]
    by_victim = {victim: [one for one in counted if one.victim == victim] for victim in VICTIMS}
    for what, rows in [*by_victim.items(), ("together", counted)]:
        most = max((one.seconds for one in rows), default=float("nan"))
        hung, unclear = sum(one.left > 0 for one in rows), sum(not one.clear for one in rows)
        lines.append(f"| {what} | {len(rows)} | {most:.1f} | {hung} | {unclear} |")
    return "\n".join(lines)


def _undisturbed(folder: Path) -> float:
    """Seconds from the start of the fit to its end, when nothing happens to it."""
    start = time.monotonic()
    with TemporaryDirectory(dir=folder) as own, _started(Path(own), "fit", folder / "tensors") as (process, place):
        status = process.wait(10 * LIMIT)
        if status:
            raise SystemExit((place / "printed.txt").read_text()[-3000:])
    return time.monotonic() - start


@contextmanager
def _started(folder: Path, name: str, tensors: Path | None = None) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The process that starts the fit, and a folder that the commands of its ranks name; all end with the block."""
    place = folder / name
    place.mkdir(parents=True)
    job = job_of(tensors or folder / "tensors", place / "fit", epochs=1, devices=2)
    (place / "job.json").write_text(job.model_dump_json())
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY)])}
    command = [sys.executable, "-c", SCRIPT, str(place / "job.json")]
    with (place / "printed.txt").open("wb") as printed:
        process = subprocess.Popen(command, env=environment, stdout=printed, stderr=subprocess.STDOUT)
    try:
        yield process, place
    finally:
        for pid in [process.pid] if process.poll() is None else []:
            os.kill(pid, SIGKILL)
        for pid in _ranks(place).values():
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
        process.wait()


def _pid_of(victim: str, process: subprocess.Popen[bytes], place: Path) -> int | None:
    if victim == STARTER:
        return process.pid
    return _ranks(place).get(VICTIMS.index(victim) - 1)


def _ranks(place: Path) -> dict[int, int]:
    """Processes that train a job file below a folder, by their rank."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError, StopIteration):
            line = path.read_bytes()
            if os.fsencode(place) in line and b"faircmr.segmentation.training.rank\0" in line:
                variables = path.with_name("environ").read_bytes().split(b"\0")
                rank = next(each.removeprefix(b"RANK=") for each in variables if each.startswith(b"RANK="))
                found[int(rank)] = int(path.parent.name)
    return found


def _until(condition: Callable[[], object]) -> bool:
    last = time.monotonic() + LIMIT
    while not condition() and time.monotonic() < last:
        time.sleep(0.05)
    return bool(condition())


if __name__ == "__main__":
    sys.exit(main())
