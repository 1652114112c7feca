"""``kedro run`` on a Dask cluster of this machine, and the processes that it consists of."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from benchmarks.reliability.studies import PARAMETERS, PIPELINES
from tests.studies import Project

RUNNER = "faircmr.runners.DaskRunner"
FIT = "faircmr.segmentation.training.rank"
PROC = Path("/proc")
SECONDS = 600.0


@dataclass(frozen=True)
class Run:
    """A process in a session of its own, and what it says in a file."""

    process: subprocess.Popen[bytes]
    folder: Path
    log: Path

    def ended(self) -> int:
        """Wait for its end; its exit status."""
        return self.process.wait(SECONDS)

    @property
    def started(self) -> list[int]:
        """Processes of its session that are there, but for itself."""
        return [pid for pid in processes() if session(pid) == self.process.pid != pid]

    @property
    def said(self) -> str:
        return self.log.read_text()


@contextmanager
def run_on_cluster(
    project: Project,
    name: str,
    cluster: str,
    arguments: Sequence[str] = ("--pipelines", PIPELINES),
    parameters: str = PARAMETERS,
) -> Iterator[Run]:
    """``kedro run`` with the Dask runner; nothing of it is left when the block is.

    Args:
        project: Whose study to run.
        name: Of the file for what it says.
        cluster: Parameters of the cluster, as on the command line.
        arguments: What to run.
        parameters: Of the study, as on the command line; where empty, those of its folder alone.
    """
    given = ",".join(filter(None, [parameters, cluster]))
    command = [*("-m", "kedro", "run", "--runner", RUNNER), *arguments, "--params", given]
    with started(project, name, command) as run:
        yield run


@contextmanager
def started(project: Project, name: str, command: Sequence[str]) -> Iterator[Run]:
    """A Python of the project's in the background."""
    log = project.folder / f"{name}.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=project.folder,
            env={**project.environment(), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    run = Run(process, project.folder, log)
    try:
        yield run
    finally:
        for pid in [*run.started, process.pid]:
            end(pid)
        process.wait()


@contextmanager
def external(project: Project, workers: int = 2) -> Iterator[tuple[Run, str]]:
    """A scheduler and its workers, each a process as a cluster starts it.

    Yields:
        The scheduler, and the parameter that names it.
    """
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with ExitStack() as stack:
        options = ["--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]
        scheduler = stack.enter_context(
            started(project, "scheduler", ["-m", "distributed.cli.dask_scheduler", *options])
        )
        for number in range(workers):
            own = [address, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", "--death-timeout", "30"]
            command = ["-m", "distributed.cli.dask_worker", *own, "--local-directory", "dask"]
            stack.enter_context(started(project, f"worker-{number}", command))
        yield scheduler, f"cluster.address={address}"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def until(condition: Callable[[], object], what: str) -> None:
    """Wait.

    Raises:
        SystemExit: It takes longer than ten minutes.
    """
    latest = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > latest:
            raise SystemExit(f"waited for {SECONDS:.0f} s, and in vain, until {what}")
        time.sleep(0.02)


def a_fit(project: Project, run: Run) -> int:
    """Process that fits something of a study and has saved a checkpoint, once there is one.

    Raises:
        SystemExit: The run ended before.
    """
    found: list[int] = []

    def saved() -> bool:
        if run.process.poll() is not None:
            raise SystemExit(f"ended with {run.process.returncode} before it fitted anything:\n{run.said[-3000:]}")
        checkpoints = list((project.data / "06_models").glob("*/*/*/checkpoint-*.safetensors"))
        found[:] = fitting(project) if checkpoints else []
        return bool(found)

    until(saved, "a fit has saved a checkpoint")
    return found[0]


def fitting(project: Project) -> list[int]:
    """Processes that fit something, in the folder of the project."""
    return [pid for pid in processes() if FIT in _command(pid) and _folder(pid) == project.folder.resolve()]


def processes() -> list[int]:
    """Every process that has not ended."""
    found = [int(path.name) for path in PROC.iterdir() if path.name.isdigit()]
    return [pid for pid in found if _fields(pid)[:1] not in ([], ["Z"])]


def parent(pid: int) -> int:
    """The process that started another one."""
    return int(_fields(pid)[1])


def session(pid: int) -> int:
    """The first process of the session of another one; 0 where that has ended."""
    return int((_fields(pid)[3:4] or ["0"])[0])


def end(pid: int) -> None:
    """Kill a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, SIGKILL)


def _fields(pid: int) -> list[str]:
    """What the kernel says of a process after its name: state, parent, group, session (proc(5))."""
    with suppress(OSError):
        return (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return []


def _command(pid: int) -> str:
    with suppress(OSError):
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _folder(pid: int) -> Path | None:
    with suppress(OSError):
        return (PROC / str(pid) / "cwd").readlink()
    return None
