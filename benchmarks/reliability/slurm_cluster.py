"""A cluster of SLURM on this machine: one node, with daemons, folder and ports of its own, gone with the block.

The node says that it has what the scripts of ``examples/cluster`` ask for, and SLURM believes it
(``SlurmdParameters=config_overrides``): so they are submitted as they are, on a machine of any size and without GPUs.
How each option is meant says slurm.conf(5). No other installation of SLURM is read or touched.
"""

from __future__ import annotations

import getpass
import os
import re
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.reliability.dask_runs import SECONDS, free_port, until

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "scancel", "scontrol", "squeue")
PATHS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
NODE = "node"
SECONDS_BETWEEN_LOOKS = 0.5
CONFIGURATION = Path(__file__).with_name("slurm.conf")
GPUS = 4
"""Handed out to jobs, and seen by SLURM as files; there are none."""


@dataclass(frozen=True)
class Job:
    """What SLURM says of a job.

    Attributes:
        state: In SLURM's own word.
        status: Exit status and signal, as ``143:0``.
        restarts: How often it was requeued.
    """

    state: str
    status: str
    restarts: int

    @property
    def is_over(self) -> bool:
        return self.state not in {"PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "REQUEUED"}

    def __str__(self) -> str:
        again = f", after {self.restarts} requeue" if self.restarts else ""
        return f"{self.state} {self.status}{again}"


@dataclass(frozen=True)
class Slurm:
    """A running cluster.

    Attributes:
        folder: Where its configuration, keys and logs lie.
    """

    folder: Path

    @property
    def variables(self) -> dict[str, str]:
        """What tells SLURM's commands which cluster is meant."""
        return {"PATH": PATHS, "SLURM_CONF": str(self.folder / "slurm.conf")}

    def call(self, *command: str) -> str:
        """What a command of SLURM's prints.

        Raises:
            subprocess.CalledProcessError: It ends with another status than 0.
        """
        done = subprocess.run(
            command, env={**os.environ, **self.variables}, check=True, capture_output=True, text=True, timeout=SECONDS
        )
        return done.stdout.strip()

    def job(self, number: str) -> Job:
        return parsed(self.call("scontrol", "show", "job", "--oneliner", number))

    def jobs(self) -> list[str]:
        """Numbers of the jobs that are not over."""
        return self.call("squeue", "--noheader", "--format=%i").split()

    def ended(self, number: str) -> Job:
        """Wait for the end of a job."""
        while not (job := self.job(number)).is_over:
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return job

    def answers(self, *question: str) -> bool:
        """Whether the controller says of itself, or of a node, that it is up and idle."""
        time.sleep(SECONDS_BETWEEN_LOOKS)
        with suppress(subprocess.CalledProcessError):
            return re.search(r" is UP|State=IDLE ", self.call("scontrol", *question)) is not None
        return False


def parsed(line: str) -> Job:
    """What one line of ``scontrol show job --oneliner`` says."""
    found = dict(re.findall(r"\b(JobState|ExitCode|Restarts)=(\S+)", line))
    return Job(found["JobState"], found["ExitCode"], int(found["Restarts"]))


def require_slurm() -> str:
    """The version of SLURM that is installed.

    Raises:
        SystemExit: Something of it is missing.
    """
    missing = [name for name in (*DAEMONS, *COMMANDS) if shutil.which(name, path=PATHS) is None]
    if missing:
        found = f"{', '.join(missing)}: not found"
        raise SystemExit(f"Error: {found}; SLURM and MUNGE; install them (Debian: apt-get install slurm-wlm)")
    return subprocess.run([_path("slurmctld"), "-V"], check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def one_node() -> Iterator[Slurm]:
    """A cluster that takes jobs; nothing of it is left when the block is.

    Raises:
        SystemExit: SLURM is not installed, or does not start.
    """
    require_slurm()
    # sockets have short names: it cannot lie in any folder
    with TemporaryDirectory(prefix="slurm-") as place, ExitStack() as stack:
        slurm = configured(Path(place))
        keys = [f"--{name}-file={slurm.folder / f'munge.{name}'}" for name in ("key", "pid", "log", "seed")]
        socket_at = slurm.folder / "munge.socket"
        stack.enter_context(
            _daemon(slurm, "munged", ["--foreground", f"--socket={socket_at}", *keys], socket_at.exists)
        )
        stack.enter_context(_daemon(slurm, "slurmctld", ["-D"], lambda: slurm.answers("ping")))
        stack.enter_context(_daemon(slurm, "slurmd", ["-D", "-N", NODE], lambda: slurm.answers("show", "node", NODE)))
        stack.callback(_cancel_all, slurm)
        yield slurm


def configured(folder: Path) -> Slurm:
    """Files that say what the cluster is, in its folder."""
    # MUNGE insists that everybody reaches its socket; nobody else can list the folder
    folder.chmod(0o711)
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    key = folder / "munge.key"
    key.touch(0o600)
    key.write_bytes(secrets.token_bytes(128))
    host = socket.gethostname().partition(".")[0]
    known = {"host": host, "controller": free_port(), "daemon": free_port(), "user": getpass.getuser(), "node": NODE}
    (folder / "slurm.conf").write_text(CONFIGURATION.read_text().format(folder=folder, **known))
    for number in range(GPUS):
        (folder / f"gpu{number}").touch()
    (folder / "gres.conf").write_text(f"Name=gpu File={folder}/gpu[0-{GPUS - 1}]\n")
    return Slurm(folder)


@contextmanager
def _daemon(slurm: Slurm, name: str, arguments: Sequence[str], is_ready: Callable[[], bool]) -> Iterator[None]:
    """A daemon of no terminal, which has ended when the block has."""
    log = slurm.folder / f"{name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [_path(name), *arguments],
            env={**os.environ, **slurm.variables},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until(lambda: process.poll() is not None or is_ready(), f"{name} is ready")
        if process.poll() is not None:
            raise SystemExit(
                f"Error: {name}: ended with {process.poll()}; a daemon that runs; it said\n{log.read_text()}"
            )
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _cancel_all(slurm: Slurm) -> None:
    """End every job: its processes are no children of the daemons and would outlive them."""
    if numbers := slurm.jobs():
        slurm.call("scancel", "--full", "--signal=KILL", *numbers)
    until(lambda: not slurm.jobs(), "no job is left")


def _path(name: str) -> str:
    return shutil.which(name, path=PATHS) or name
