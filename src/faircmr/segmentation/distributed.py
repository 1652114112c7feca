"""A fit on several devices: one process each, started here and never outliving the process that started them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import IO

from faircmr.core.child_processes import child_environment
from faircmr.core.errors import FaircmrError
from faircmr.core.files import PRIVATE, write_whole
from faircmr.core.stopping import REMEDY, ShouldStop, StoppedError, deferring, never
from faircmr.segmentation.fit_folder import finished_record
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.messages import CrashError, Warned, read_message
from faircmr.segmentation.models import JOB_NAME, RECORD_NAME, FitRecord
from faircmr.segmentation.reports import EpochReport, OnEpoch, ignore
from faircmr.segmentation.tensors import TensorStore
from faircmr.segmentation.training import fit

FIT = "faircmr.segmentation.fit"
SECONDS_TO_END = 10.0
SECONDS_BETWEEN_QUESTIONS = 0.2

logger = logging.getLogger(__name__)


def fit_on_devices(job: FitJob, on_epoch: OnEpoch = ignore, should_stop: ShouldStop = never) -> FitRecord:
    """Train one network in this process, or on several devices in one process each; signals stop it after a step."""
    with deferring() as signalled:
        train = fit if job.training.devices == 1 else fit_in_processes
        return train(job, on_epoch, lambda: signalled() or should_stop())


def fit_in_processes(job: FitJob, on_epoch: OnEpoch = ignore, should_stop: ShouldStop = never) -> FitRecord:
    """Train one network in one process a device, as :func:`~faircmr.segmentation.training.fit` does in this one.

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
        with (
            _started(command_of(path, job.training.devices), environment) as process,
            _stopped_by(should_stop, process) as stopped,
        ):
            failures = _heard(process.stdout, on_epoch) if process.stdout else []
            status = process.wait()
    if failures or status:
        raise _first_expected(failures, job, stopped)
    return FitRecord.model_validate_json((job.folder / RECORD_NAME).read_text())


def command_of(path: Path, devices: int) -> list[str]:
    """Command that fits a job file in one process a device."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(devices)]
    return [sys.executable, *(launcher if devices > 1 else []), "-m", FIT, str(path), "--piped"]


@contextmanager
def _stopped_by(should_stop: ShouldStop, process: Popen[str]) -> Iterator[Event]:
    """Ask a fit to stop when it is to, and say whether it was asked."""
    ended, stopped = Event(), Event()

    def ask() -> None:
        while not ended.wait(SECONDS_BETWEEN_QUESTIONS):
            if should_stop() and process.stdin:
                stopped.set()
                process.stdin.close()
                return

    asking = Thread(target=ask, daemon=True)
    asking.start()
    try:
        yield stopped
    finally:
        ended.set()
        asking.join()


@contextmanager
def _started(command: list[str], environment: Mapping[str, str]) -> Iterator[Popen[str]]:
    """A process that has ended, with all that it started, when the block is left in whatever way."""
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=STDOUT, text=True, env=environment) as process:
        try:
            yield process
        finally:
            # every process of the fit ends when this pipe does, even if this process is killed
            if process.stdin:
                process.stdin.close()
            process.terminate()
            with suppress(TimeoutExpired):
                process.wait(SECONDS_TO_END)
            process.kill()


def _heard(lines: IO[str], on_epoch: OnEpoch) -> list[FaircmrError | CrashError]:
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


def _first_expected(failures: list[FaircmrError | CrashError], job: FitJob, stopped: Event) -> FaircmrError:
    """The error to raise: where one process fails, the others fail for want of it, or stop."""
    expected = [failure for failure in failures if isinstance(failure, FaircmrError)]
    for failure in sorted(expected, key=lambda one: isinstance(one, StoppedError)):
        return failure
    if stopped.is_set():
        return StoppedError(job.name, "stopped in the middle of a step", "its last checkpoint is kept", REMEDY)
    said = f"{failures[0]} in one of the processes" if failures else "a process was killed"
    by_hand = " ".join(["python", *command_of(job.folder / JOB_NAME, job.training.devices)[1:-1]])
    return FaircmrError(
        f"{job.name} on {job.training.devices} devices",
        said,
        "processes that all end well",
        f"memory may be short; to see all that they say run {by_hand}",
    )
