"""Fit on several devices: start one process (rank) for each device and make sure that all of them end.

All ranks read one pipe that this process keeps open. They stop when it ends, which is when this process closes it or
is killed. They connect through a ``torch.distributed`` store in this process. The launcher ``torch.distributed.run``
works in the same way, but would be an additional process between this one and the ranks that can be killed.
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
    defer_stop,
    never_stop,
    write_atomically,
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
    WarningMessage,
    ignore_report,
    read_message,
)

SECONDS_AFTER_FAILURE = 3.0
"""Time until the other ranks are killed after one has failed: they may wait for it forever."""
SECONDS_TO_END = 10.0
"""Time between SIGTERM and SIGKILL."""
SECONDS_BETWEEN_CHECKS = 0.2
LOOPBACK = "127.0.0.1"


@dataclass
class RankProcesses:
    """The processes of one fit.

    Attributes:
        processes: By rank.
        output: Lines that they print; ends when all of them have ended.
        stop_requested: Set if they were asked to stop because this process must stop, not because one of them failed.
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
        """Whether any process has ended with an exit status other than 0."""
        return any(process.poll() not in (None, 0) for process in self.processes)

    def kill(self) -> None:
        """Send SIGKILL to the processes that still run."""
        for process in self.processes:
            process.kill()

    def end(self) -> None:
        """End the processes that still run, and wait for all."""
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
    """Start a command once for each rank; all processes have ended when the block ends, also after an error.

    If one of them fails, the others are asked to stop, and killed after :data:`SECONDS_AFTER_FAILURE`. If this
    process must stop, they get :data:`SECONDS_TO_LEAVE` more.

    Args:
        command: Must stop when its standard input ends.
        environment: Variables of every process; with several ranks, those of the rank are added.
        count: Number of ranks.
        should_stop: Called every :data:`SECONDS_BETWEEN_CHECKS`, from a thread.
    """
    with (
        _rendezvous_store(count) as port,
        _start_processes(command, _rank_environments(environment, count, port)) as started,
    ):
        ended = Event()
        watching = Thread(target=_watch, args=(started, should_stop, ended), daemon=True)
        watching.start()
        try:
            yield started
        finally:
            ended.set()
            watching.join()


def _watch(started: RankProcesses, should_stop: ShouldStop, ended: Event) -> None:
    """Ask all processes to stop after a request or a failure; kill those that do not stop in time."""
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
def _start_processes(command: Sequence[str], environments: Sequence[Mapping[str, str]]) -> Iterator[RankProcesses]:
    (shared_input, own_input), (own_output, shared_output) = os.pipe(), os.pipe()
    processes: list[Popen[bytes]] = []
    with os.fdopen(own_output, encoding="utf-8", errors="replace") as output:
        started = RankProcesses(processes, output, _input=own_input)
        try:
            try:
                for environment in environments:
                    process = Popen(command, stdin=shared_input, stdout=shared_output, stderr=STDOUT, env=environment)
                    processes.append(process)
            finally:
                # otherwise these ends, open in this process, would keep the pipes from ending
                os.close(shared_input)
                os.close(shared_output)
            yield started
        finally:
            started.end()


@contextmanager
def _rendezvous_store(count: int) -> Iterator[int]:
    """Port of the store through which several ranks connect; reachable from this machine only."""
    if count == 1:
        yield 0
        return
    # by default TCPStore would listen on every network address of this machine
    listening = socket.create_server((LOOPBACK, 0), backlog=count + 1)
    port = listening.getsockname()[1]
    number = listening.detach()
    store = TCPStore(LOOPBACK, port, count, is_master=True, wait_for_workers=False, master_listen_fd=number)
    try:
        yield port
    finally:
        del store


def _rank_environments(environment: Mapping[str, str], count: int, port: int) -> list[dict[str, str]]:
    """Environment of each rank with the variables that ``torch.distributed.run`` sets; unchanged for one process."""
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


FIT_MODULE = "faircmr.segmentation.training.fit_process"
RANK_MODULE = "faircmr.segmentation.training.rank"

logger = logging.getLogger(__name__)


def fit_on_devices(job: FitJob, on_epoch: OnEpoch = ignore_report, should_stop: ShouldStop = never_stop) -> FitRecord:
    """Train one network, with several devices in one process for each; signals stop it after the current step."""
    with defer_stop() as signalled:
        train = fit if job.training.devices == 1 else fit_in_processes
        return train(job, on_epoch, lambda: signalled() or should_stop())


def fit_in_processes(job: FitJob, on_epoch: OnEpoch = ignore_report, should_stop: ShouldStop = never_stop) -> FitRecord:
    """Train one network with one process for each of ``job.training.devices`` devices.

    Same result as :func:`~faircmr.segmentation.training.loop.fit` in one process, up to the last bits.

    Args:
        job: What to fit.
        on_epoch: Called after each epoch, once its checkpoint is on disk.
        should_stop: Called regularly; once it returns true, the processes stop after their current step.

    Raises:
        StoppedError: ``should_stop`` returned true.
        FaircmrError: The first expected error of any process, or that a process ended without one.
    """
    if (record := finished_record(job.folder, job.fingerprint(TensorStore(job.tensors).fingerprints))) is not None:
        return record
    with TemporaryDirectory() as folder:
        path = Path(folder) / JOB_NAME
        write_atomically(path, job.model_dump_json().encode(), PRIVATE)
        environment = child_environment(OMP_NUM_THREADS=str(job.training.threads))
        with rank_processes(rank_command(path), environment, job.training.devices, should_stop) as started:
            failures = _read_messages(started.output, on_epoch)
            statuses = [process.wait() for process in started.processes]
    if failures or any(statuses):
        stop_requested = started.stop_requested.is_set() or should_stop()
        raise _error_to_raise(failures, job, statuses, stop_requested=stop_requested)
    return FitRecord.model_validate_json((job.folder / RECORD_NAME).read_bytes())


def rank_command(path: Path) -> list[str]:
    """Command that starts one rank of a job file."""
    return [sys.executable, "-m", RANK_MODULE, str(path)]


def _read_messages(lines: Iterable[str], on_epoch: OnEpoch) -> list[FaircmrError | CrashError]:
    """Forward reports and warnings of the processes until all have ended, and return their errors."""
    failures = []
    for line in lines:
        message = read_message(line)
        if isinstance(message, EpochReport):
            on_epoch(message)
        elif isinstance(message, WarningMessage):
            logger.warning("%s", message.text)
        elif message is None:
            logger.debug("%s", line.rstrip())
        else:
            failures.append(message)
    return failures


def _error_to_raise(
    failures: Sequence[FaircmrError | CrashError], job: FitJob, statuses: Sequence[int], *, stop_requested: bool
) -> FaircmrError:
    """Choose the error to raise: if one process fails, the others fail or stop only as a consequence."""
    stops = [failure for failure in failures if isinstance(failure, StoppedError)]
    crashes = [failure for failure in failures if isinstance(failure, CrashError)]
    for failure in failures:
        if isinstance(failure, FaircmrError) and failure not in stops:
            return failure
    if stop_requested:
        mid_step = StoppedError(job.name, "stopped in the middle of a step", "its last checkpoint is kept", REMEDY)
        return stops[0] if stops else mid_step
    if stops and not crashes and min(statuses) >= 0:  # signalled from outside, not by this process
        return stops[0]
    failure_text = f"{crashes[0]} in one of the processes" if crashes else "a process was killed"
    manual_command = f"python -m {FIT_MODULE} {job.folder / JOB_NAME}"
    return FaircmrError(
        f"{job.name} on {job.training.devices} devices",
        failure_text,
        "all processes end without an error",
        f"check the available memory; to see the full output run {manual_command}",
    )
