"""A kedro run in a process of its own, and every process that came of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from tests.studies import Project

DASK = ("--runner", "faircmr.runners.DaskRunner")
KEDRO_RUN = (sys.executable, "-m", "kedro", "run")
OURS = {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
"""Variables under which a script's ``python`` is this one."""
MARK = "FAIRCMR_TEST_RUN"
FIT = "faircmr.segmentation.training.rank"


@dataclass
class Run:
    """One command under way; what it starts inherits a mark by which it is found, also when its parent is gone."""

    process: subprocess.Popen[str]
    mark: str
    output: str = field(default="")

    def end(self, seconds: float = 240) -> int:
        """Exit status."""
        self.output = self.process.communicate(timeout=seconds)[0]
        return self.process.returncode

    def processes(self) -> list[psutil.Process]:
        """All that are alive and came of it."""
        return [process for process in psutil.process_iter() if _has(process, self.mark)]

    def fits(self) -> list[psutil.Process]:
        """Those that make a fit."""
        return [process for process in self.processes() if FIT in _words(process)]


@contextmanager
def started(project: Project, *arguments: str, command: Sequence[str] = KEDRO_RUN) -> Iterator[Run]:
    """Start ``kedro run``, or another command, in a project; it has ended when the block is left."""
    mark = uuid4().hex
    with subprocess.Popen(
        [*command, *arguments],
        cwd=project.folder,
        env={**project.environment(), **OURS, MARK: mark, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        run = Run(process, mark)
        try:
            yield run
        finally:
            for left in run.processes():
                left.kill()


def until(condition: Callable[[], object], seconds: float = 120) -> bool:
    """Whether a condition holds in time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(condition())


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
