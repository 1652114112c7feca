"""A fit on several devices: one process each, started here and never outliving the process that started them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from faircmr.core.child_processes import child_environment
from faircmr.core.errors import FaircmrError
from faircmr.core.files import PRIVATE, write_whole
from faircmr.core.stopping import REMEDY, ShouldStop, StoppedError, deferring, never
from faircmr.segmentation.fit_folder import finished_record
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.messages import CrashError, Warned, read_message
from faircmr.segmentation.models import JOB_NAME, RECORD_NAME, FitRecord
from faircmr.segmentation.rank_processes import rank_processes
from faircmr.segmentation.reports import EpochReport, OnEpoch, ignore
from faircmr.segmentation.tensors import TensorStore
from faircmr.segmentation.training import fit

FIT = "faircmr.segmentation.fit"
RANK = "faircmr.segmentation.rank"

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
