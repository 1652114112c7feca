"""Tiny studies that are disturbed: three strategies, one of them in two stages, on an embedded cohort of 34 people.

The source and configuration that are tried are those that the folder of the campaign was made with: a campaign that was
cut off goes on with them, whatever has been edited since.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.reliability.comparison import comparable
from benchmarks.reliability.disturbed import COMPUTED, LOG
from benchmarks.reliability.moments import BEGUN, Moment, NodeRun, draw_moment, node_runs
from tests.studies import Project, write_tiny_project
from tests.warm_python import Command, run_warm

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PIPELINES = "baseline,protected_groups,meta_learning,evaluation"
PARAMETERS = "training.epochs=6,training.iterations_per_epoch=2"
RUN = ("run", "--pipelines", PIPELINES, "--params", PARAMETERS)
AT_ONCE = Moment("", 0.0)


@dataclass(frozen=True)
class Undisturbed:
    """The study that nothing happened to.

    Attributes:
        project: Where it lies.
        seconds: That it computed.
        files: Digest of each of its files, see :func:`comparable`.
        nodes: In the order in which they ran.
    """

    project: Project
    seconds: float
    files: dict[str, str]
    nodes: Sequence[NodeRun]

    def draw_moment(self, rng: np.random.Generator) -> Moment:
        """When another study is disturbed."""
        return draw_moment(rng, self.seconds, self.nodes)


def run_disturbed(
    project: Project, disturbance: str = "nothing", moment: Moment = AT_ONCE, arguments: Sequence[str] = RUN
) -> subprocess.CompletedProcess[str]:
    """``kedro`` in a process group of its own, to which something happens at a moment."""
    own = project.environment()
    environment = {**own, "PYTHONPATH": os.pathsep.join([own["PYTHONPATH"], str(HERE)])}
    return run_warm(
        Command("disturbed", [disturbance, moment.after, str(moment.seconds), *arguments], project.folder, environment)
    )


def undisturbed(folder: Path) -> Undisturbed:
    """The undisturbed study of a campaign, run where that has not been done.

    Raises:
        SystemExit: It does not end well.
    """
    project, record = Project(folder / "undisturbed"), folder / "undisturbed.json"
    if not record.is_file():
        shutil.rmtree(project.folder, ignore_errors=True)
        project = write_tiny_project(project.folder, REPOSITORY)
        expect_success(run_disturbed(project))
        seconds = float((project.folder / COMPUTED).read_text())
        nodes = node_runs((project.folder / LOG).read_text())
        record.write_text(json.dumps({"seconds": seconds, "files": comparable(project.data), "nodes": nodes}))
    found = json.loads(record.read_bytes())
    return Undisturbed(project, found["seconds"], found["files"], [NodeRun(*run) for run in found["nodes"]])


@contextmanager
def fresh(folder: Path, source: Project) -> Iterator[Project]:
    """A study that has not begun, with the source of another one, in a folder that is gone afterwards.

    The folder has a name of its own: what a campaign that was cut off has left running does no harm to the next.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="study-", dir=folder) as place:
        yield write_tiny_project(Path(place) / "project", source.folder)


def expect_success(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        raise SystemExit(f"kedro {' '.join(RUN)} ended with {done.returncode}:\n{done.stderr[-3000:]}")


def nodes_begun(project: Project) -> list[str]:
    """Nodes that have begun since the log of the project was last removed."""
    log = project.folder / LOG
    return [match[3] for match in BEGUN.finditer(log.read_text())] if log.is_file() else []


def forget_log(project: Project) -> None:
    (project.folder / LOG).unlink(missing_ok=True)


@dataclass(frozen=True)
class Records:
    """What a campaign has found so far: one JSON line each, so that it can be cut off at any time."""

    path: Path

    def read(self) -> list[dict[str, object]]:
        lines = self.path.read_text().splitlines() if self.path.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def add(self, record: object) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(record)) + "\n")  # type: ignore[call-overload]


def arguments_of(description: str | None, option: str, most: int) -> argparse.Namespace:
    """Arguments that every campaign has: where, how many, and the seed of its moments."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where studies and results are kept")
    parser.add_argument(f"--{option}", dest="most", type=int, default=most)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()
