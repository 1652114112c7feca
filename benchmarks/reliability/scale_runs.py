"""What ``kedro run`` costs, command by command, in studies of simulated cohorts.

Every command is a process of its own, of which the kernel tells seconds of CPU and the most memory that it held. This
module loads no library, for the kernel also counts as a process's own what its parent held when it was started.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.reliability.scale_steps import Size, Step, steps_of
from tests.studies import Project, write_tiny_project

REPOSITORY = Path(__file__).parents[2]
GLOBALS = "data_root: data/scale\nsource_root: data/scale/raw\nworkers: 2\n"
WORK, PAUSE = 100_000, 0.1
"""Numbers that a piece of work squares and adds, some 7 ms, and seconds between two pieces."""
ATTRIBUTES = "attributes: {protected_attribute: group, audit_attributes: [group, sex], covariates: [age, height]}\n"


@dataclass(frozen=True)
class Cost:
    """Of one command.

    Attributes:
        cpu: Seconds of all its threads, of the kernel's work for it too.
        wall: Seconds.
        peak: MiB that it held at most, pages of files that were mapped into its memory included.
        pace: Seconds of CPU that always the same piece of work took meanwhile, on average.
    """

    cpu: float
    wall: float
    peak: float
    pace: float

    @property
    def work(self) -> float:
        """What it cost in pieces of work: a slow minute of the machine slows both."""
        return self.cpu / self.pace


@dataclass(frozen=True)
class Workplace:
    """Where cohorts, studies and what was measured are kept."""

    folder: Path

    @property
    def project(self) -> Project:
        return Project(self.folder / "project")

    def prepare(self) -> None:
        """The source that is measured: a copy, so that what is edited meanwhile does not matter."""
        if not (self.project.folder / "complete").is_file():
            shutil.rmtree(self.project.folder, ignore_errors=True)
            write_tiny_project(self.project.folder, REPOSITORY)
            _write_environment(self.project.folder / "conf")
            (self.project.folder / "complete").touch()

    def cohort(self, size: Size) -> Path:
        """The simulated scans, written where they are not there."""
        cohort = self.folder / "cohorts" / size.name
        if not (cohort / "complete").is_file():
            written("cohort", str(cohort), str(size.subjects), str(size.pixels))
            (cohort / "complete").touch()
        return cohort

    def study(self, size: Size, repeat: int) -> Path:
        return self.folder / "studies" / f"{size.name}-{repeat}"

    def record(self, size: Size, repeat: int, step: Step) -> Path:
        return self.folder / "results" / f"{size.name}-{repeat}-{step.name.replace(' ', '-')}.json"

    def cost(self, size: Size, repeat: int, step: Step) -> Cost | None:
        """What was measured, if it was."""
        record = self.record(size, repeat, step)
        return Cost(**json.loads(record.read_bytes())["cost"]) if record.is_file() else None

    def costs(self, size: Size, repeats: int, step: Step) -> list[Cost]:
        """Of every repeat that was measured."""
        found = [self.cost(size, repeat, step) for repeat in range(repeats)]
        return [cost for cost in found if cost is not None]


def measure_study(place: Workplace, size: Size, repeat: int, scored: Path) -> None:
    """Every command in a study, in order; what was measured is not measured again.

    Args:
        place: Where.
        size: Of the cohort.
        repeat: Which study of this size.
        scored: A smaller study, of whose scores those of a study without images are made.
    """
    study, cohort = place.study(size, repeat), place.cohort(size)
    begun = study.with_name(f"{study.name}-begun")
    if begun.is_file():  # cut off: what is left of the step would cost less than all of it
        shutil.rmtree(study, ignore_errors=True)
        for step in steps_of(size):
            place.record(size, repeat, step).unlink(missing_ok=True)
        begun.unlink()
    before = {"predictions": [str(cohort), str(study)], "second": [str(study)], "scores": [str(study), str(scored)]}
    for step in steps_of(size):
        if place.cost(size, repeat, step) is None:
            begun.parent.mkdir(parents=True, exist_ok=True)
            begun.touch()
            if step.before:
                written(step.before, *before[step.before])
            _record(place.record(size, repeat, step), place.project, run_of(study, cohort, step))
            begun.unlink()


def run_of(study: Path, cohort: Path, step: Step) -> list[str]:
    parameters = f"data_root={study},source_root={cohort / 'Dataset001_Scale'}"
    return [sys.executable, "-m", "kedro", "run", "--env", "scale", *step.arguments, "--params", parameters]


def _record(record: Path, project: Project, command: Sequence[str]) -> None:
    """Measure one command, and keep what it cost."""
    events = project.folder / ".viz" / "kedro_pipeline_events.json"
    events.unlink(missing_ok=True)
    cost = measured(command, project)
    found = json.loads(events.read_bytes()) if events.is_file() else []
    keep(record, cost, {event["node"]: event["duration"] for event in found if event["event"] == "after_node_run"})
    sys.stderr.write(f"{record.stem}: {cost}\n")


def keep(record: Path, cost: Cost, nodes: Mapping[str, float]) -> None:
    """Write down what a command cost, and the seconds of its nodes."""
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps({"cost": asdict(cost), "seconds of nodes": nodes}, indent=1))


def measured(command: Sequence[str], project: Project) -> Cost:
    """Run a command in the project's folder.

    Raises:
        SystemExit: It does not end well.
    """
    environment = {**project.environment(), "OMP_NUM_THREADS": "1"}
    log = project.folder / "command.log"
    ended, paces = threading.Event(), [piece_of_work()]
    start = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=project.folder, env=environment, stdout=output, stderr=output)
        pacer = threading.Thread(target=_work_until, args=(ended, paces))
        pacer.start()
        _, status, usage = os.wait4(process.pid, 0)
    wall, process.returncode = time.monotonic() - start, os.waitstatus_to_exitcode(status)
    ended.set()
    pacer.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text()[-3000:]}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, sum(paces) / len(paces))


def piece_of_work() -> float:
    """Do it; seconds of CPU that it took."""
    start = time.thread_time()
    sum(number * number for number in range(WORK))
    return time.thread_time() - start


def _work_until(ended: threading.Event, paces: list[float]) -> None:
    while not ended.wait(PAUSE):
        paces.append(piece_of_work())


def written(*arguments: str) -> None:
    """Write something simulated, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src")])}
    command = [sys.executable, "-m", f"{__package__}.scale_cohorts", *arguments]
    subprocess.run(command, env=environment, check=True)


def _write_environment(conf: Path) -> None:
    """An environment as a user writes one: that of nnU-Net's data sets, with the attributes of these people."""
    own = conf / "scale"
    shutil.copytree(conf / "nnunet", own)
    (own / "globals.yml").write_text(GLOBALS)
    parameters = own / "parameters.yml"
    before, _, after = parameters.read_text().partition("attributes:\n")
    left = after[after.index("\nsplit:") :]
    parameters.write_text(f"{before}{ATTRIBUTES}{left}")
