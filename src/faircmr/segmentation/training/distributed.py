"""A fit on several devices: one process each, started here and never outliving the process that started them.

All of them read one pipe, which this process holds open, and stop when it ends: when it is closed here, or when this
process is gone. They meet at a store of ``torch.distributed`` in this process, as they do in the launcher
``torch.distributed.run``. A launcher between this process and them would be one more process that can be killed.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import STDOUT, Popen, TimeoutExpired
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import IO

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from faircmr.core import FaircmrError
from faircmr.core.host import (
    PRIVATE,
    REMEDY,
    SECONDS_TO_LEAVE,
    ShouldStop,
    StoppedError,
    child_environment,
    deferring,
    never,
    write_whole,
)
from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.training.fit_folder import finished_record
from faircmr.segmentation.training.jobs import FitJob
from faircmr.segmentation.training.loop import fit
from faircmr.segmentation.training.records import (
    JOB_NAME,
    RECORD_NAME,
    CrashError,
    EpochReport,
    FitRecord,
    OnEpoch,
    Warned,
    ignore,
    read_message,
)

SECONDS_AFTER_FAILURE = 3.0
"""After which the processes that are left are killed once one has failed: they may wait for it without end."""
SECONDS_TO_END = 10.0
"""For SIGTERM to work before SIGKILL is sent."""
SECONDS_BETWEEN_CHECKS = 0.2
LOOPBACK = "127.0.0.1"


@dataclass
class RankProcesses:
    """The processes of one fit.

    Attributes:
        processes: By rank.
        output: All that they print, in lines; it ends when all of them have ended.
        stop_requested: Whether they were asked to stop because this process is to stop, and not because one failed.
    """

    processes: Sequence[Popen[bytes]]
    output: IO[str]
    stop_requested: Event = field(default_factory=Event)
    _input: int | None = None

    def ask_to_stop(self) -> None:
        """Close the pipe that all of them read."""
        number, self._input = self._input, None
        if number is not None:
            os.close(number)

    def failed(self) -> bool:
        """Whether any of them has ended otherwise than well."""
        return any(process.poll() not in (None, 0) for process in self.processes)

    def kill(self) -> None:
        """Send SIGKILL to those that still run."""
        for process in self.processes:
            process.kill()

    def end(self) -> None:
        """End those that still run, and wait for all of them."""
        self.ask_to_stop()
        for process in self.processes:
            process.terminate()
        last = time.monotonic() + SECONDS_TO_END
        for process in self.processes:
            with suppress(TimeoutExpired):
                process.wait(max(0.0, last - time.monotonic()))
        self.kill()
        for process in self.processes:
            process.wait()


@contextmanager
def rank_processes(
    command: Sequence[str], environment: Mapping[str, str], count: int, should_stop: ShouldStop
) -> Iterator[RankProcesses]:
    """Start a command in one process a rank; all have ended when the block is left in whatever way.

    Where one of them fails, the others are asked to stop, and killed after :data:`SECONDS_AFTER_FAILURE`. Where this
    process is to stop, they have :data:`SECONDS_TO_LEAVE` more.

    Args:
        command: Stops when its standard input ends.
        environment: Variables of every process; those of its rank are added where there is more than one.
        count: Processes.
        should_stop: Asked now and then, from a thread.
    """
    with _meeting_point(count) as port, _started(command, _environments(environment, count, port)) as started:
        ended = Event()
        watching = Thread(target=_watch, args=(started, should_stop, ended), daemon=True)
        watching.start()
        try:
            yield started
        finally:
            ended.set()
            watching.join()


def _watch(started: RankProcesses, should_stop: ShouldStop, ended: Event) -> None:
    """Ask all processes to stop when they are to, or one has failed; kill those that do not."""
    kill_at, failed = float("inf"), False
    while not ended.wait(SECONDS_BETWEEN_CHECKS):
        if not failed and started.failed():
            failed = True
            kill_at = min(kill_at, time.monotonic() + SECONDS_AFTER_FAILURE)
            started.ask_to_stop()
        if not started.stop_requested.is_set() and should_stop():
            started.stop_requested.set()
            kill_at = min(kill_at, time.monotonic() + SECONDS_TO_LEAVE + SECONDS_AFTER_FAILURE)
            started.ask_to_stop()
        if time.monotonic() > kill_at:
            started.kill()


@contextmanager
def _started(command: Sequence[str], environments: Sequence[Mapping[str, str]]) -> Iterator[RankProcesses]:
    (input_of_all, own_input), (own_output, output_of_all) = os.pipe(), os.pipe()
    processes: list[Popen[bytes]] = []
    with os.fdopen(own_output, encoding="utf-8", errors="replace") as output:
        started = RankProcesses(processes, output, _input=own_input)
        try:
            try:
                for environment in environments:
                    one = Popen(command, stdin=input_of_all, stdout=output_of_all, stderr=STDOUT, env=environment)
                    processes.append(one)
            finally:
                # each end that is left open here would keep the pipe from ending
                os.close(input_of_all)
                os.close(output_of_all)
            yield started
        finally:
            started.end()


@contextmanager
def _meeting_point(count: int) -> Iterator[int]:
    """Port of the store at which several ranks meet; only this machine can connect to it."""
    if count == 1:
        yield 0
        return
    # on its own TCPStore would listen at every address of this machine
    listening = socket.create_server((LOOPBACK, 0), backlog=count + 1)
    port = listening.getsockname()[1]
    number = listening.detach()
    store = TCPStore(LOOPBACK, port, count, is_master=True, wait_for_workers=False, master_listen_fd=number)
    try:
        yield port
    finally:
        del store


def _environments(environment: Mapping[str, str], count: int, port: int) -> list[dict[str, str]]:
    """Variables of each rank, as ``torch.distributed.run`` sets them; a process that is alone needs none."""
    if count == 1:
        return [dict(environment)]
    world = {
        "MASTER_ADDR": LOOPBACK,
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": str(os.getpid()),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }
    return [{**environment, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]


FIT = "faircmr.segmentation.training.fit_process"
RANK = "faircmr.segmentation.training.rank"

logger = logging.getLogger(__name__)


def fit_on_devices(job: FitJob, on_epoch: OnEpoch = ignore, should_stop: ShouldStop = never) -> FitRecord:
    """Train one network in this process, or on several devices in one process each; signals stop it after a step."""
    with deferring() as signalled:
        train = fit if job.training.devices == 1 else fit_in_processes
        return train(job, on_epoch, lambda: signalled() or should_stop())


def fit_in_processes(job: FitJob, on_epoch: OnEpoch = ignore, should_stop: ShouldStop = never) -> FitRecord:
    """Train one network in one process a device, as :func:`~faircmr.segmentation.training.loop.fit` does in this one.

    Args:
        job: What to fit, on ``job.training.devices`` devices.
        on_epoch: Called after each epoch, once its checkpoint is on disk.
        should_stop: Asked now and then; the processes then stop after the step that they are at.

    Returns:
        Record of the finished fit.

    Raises:
        StoppedError: ``should_stop`` has said so.
        FaircmrError: The first expected error of any process, or that one of them ended without one.
    """
    if (record := finished_record(job.folder, job.fingerprint(TensorStore(job.tensors).fingerprints))) is not None:
        return record
    with TemporaryDirectory() as folder:
        path = Path(folder) / JOB_NAME
        write_whole(path, job.model_dump_json().encode(), PRIVATE)
        environment = child_environment(OMP_NUM_THREADS=str(job.training.threads))
        with rank_processes(rank_command(path), environment, job.training.devices, should_stop) as started:
            failures = _read_messages(started.output, on_epoch)
            statuses = [process.wait() for process in started.processes]
    if failures or any(statuses):
        stop_requested = started.stop_requested.is_set() or should_stop()
        raise _first_expected(failures, job, statuses, stop_requested=stop_requested)
    return FitRecord.model_validate_json((job.folder / RECORD_NAME).read_bytes())


def rank_command(path: Path) -> list[str]:
    """Command of each process that fits a job file."""
    return [sys.executable, "-m", RANK, str(path)]


def _read_messages(lines: Iterable[str], on_epoch: OnEpoch) -> list[FaircmrError | CrashError]:
    """Pass on what the processes report until all have ended; returns why they failed."""
    failures = []
    for line in lines:
        message = read_message(line)
        if isinstance(message, EpochReport):
            on_epoch(message)
        elif isinstance(message, Warned):
            logger.warning("%s", message.text)
        elif message is None:
            logger.debug("%s", line.rstrip())
        else:
            failures.append(message)
    return failures


def _first_expected(
    failures: Sequence[FaircmrError | CrashError], job: FitJob, statuses: Sequence[int], *, stop_requested: bool
) -> FaircmrError:
    """The error to raise: where one process fails, the others fail because it is gone, or are asked to stop."""
    stops = [failure for failure in failures if isinstance(failure, StoppedError)]
    crashes = [failure for failure in failures if isinstance(failure, CrashError)]
    for failure in failures:
        if isinstance(failure, FaircmrError) and failure not in stops:
            return failure
    if stop_requested:
        asked = StoppedError(job.name, "stopped in the middle of a step", "its last checkpoint is kept", REMEDY)
        return stops[0] if stops else asked
    if stops and not crashes and min(statuses) >= 0:  # somebody has sent them a signal, and not this process
        return stops[0]
    found = f"{crashes[0]} in one of the processes" if crashes else "a process was killed"
    by_hand = f"python -m {FIT} {job.folder / JOB_NAME}"
    return FaircmrError(
        f"{job.name} on {job.training.devices} devices",
        found,
        "processes that all end well",
        f"memory may be short; to see all that they print run {by_hand}",
    )
