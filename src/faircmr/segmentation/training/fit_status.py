"""Status of a fit, read from its folder without torch: its progress, and how it differs from another fit.

A fit writes a small progress file at the end of every epoch. Training never reads this file, and an interrupted and
resumed fit leaves the same progress file as an uninterrupted one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from faircmr.core import Parameters
from faircmr.core.host import (
    DEAD_AFTER,
    Holder,
    lease_holder,
    lease_path,
    process_is_running,
    remove_durably,
    write_atomically,
)
from faircmr.segmentation.training.jobs import FitJob, fingerprinted_fields, same_fit
from faircmr.segmentation.training.records import JOB_NAME, RECORD_NAME, WEIGHTS_NAME, EpochReport

PROGRESS_NAME = "progress.json"


class FitState(StrEnum):
    """Status of a fit according to its files."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPED = "stopped"
    SILENT = "stopped?"
    FINISHED = "finished"


class LastValidation(Parameters):
    """Result of the last validation.

    Attributes:
        epoch: Epoch after which it ran, from 1.
        dsc: DSC of each validation subject that had a sample, by study key, 0..1; a fit does not know protected groups.
    """

    epoch: int
    dsc: dict[str, float]


class FitProgress(Parameters):
    """Progress of a fit.

    Attributes:
        epoch: Finished epochs.
        epochs: Epochs of its part of the schedule.
        loss: Mean training loss of the last finished epoch.
        seconds_left: Estimated at the end of that epoch, from the pace since the fit was started or resumed.
        validation: The last validation; ``None`` if there was none.
    """

    epoch: int
    epochs: int
    loss: float
    seconds_left: float
    validation: LastValidation | None = None


@dataclass(frozen=True)
class FitFiles:
    """What the files in the folder of a fit contain. Times are in seconds since 1970, 0 without the file.

    Attributes:
        job: The job file; ``None`` if the fit has not started.
        job_written: When it was written.
        finished: Whether its record and weights exist.
        progress: After the last epoch; ``None`` before the end of the first epoch.
        progress_written: When it was written.
        holder: The process that runs the fit, or ran it until it was killed; ``None`` if there is no such process.
        lease_written: When that process last renewed its lease.
    """

    job: Mapping[str, Any] | None
    job_written: float
    finished: bool
    progress: FitProgress | None
    progress_written: float
    holder: Holder | None
    lease_written: float

    def state(self, now: float) -> FitState:
        """Status of the fit.

        Args:
            now: Seconds since 1970. A holder on another machine is judged by its lease, so the clocks of the file
                system and of this machine must differ by less than :data:`~faircmr.core.host.DEAD_AFTER`.
        """
        if self.finished:
            return FitState.FINISHED
        if self.holder is None:
            return FitState.WAITING if self.job is None else FitState.STOPPED
        running = process_is_running(self.holder.place, self.holder.pid, self.holder.start)
        if running is None:
            return FitState.RUNNING if now - self.lease_written <= DEAD_AFTER else FitState.SILENT
        return FitState.RUNNING if running else FitState.STOPPED


def write_progress(folder: Path, report: EpochReport, dsc: Mapping[str, float] | None) -> None:
    """Write the progress file of a fit.

    It is written before the checkpoint of its epoch: if the fit is interrupted in between, the epoch is trained again
    and the same progress is written again.

    Args:
        folder: The fit's.
        report: Of the epoch that has ended.
        dsc: Of each validation subject; ``None`` where this epoch was not validated: the last validation stays.

    Raises:
        OutputError: The folder cannot be written.
    """
    if dsc is None:
        before = read_progress(folder)
        validation = None if before is None else before.validation
    else:
        validation = LastValidation(epoch=report.epoch, dsc=dict(dsc))
    progress = FitProgress(
        epoch=report.epoch,
        epochs=report.epochs,
        loss=report.loss,
        seconds_left=report.seconds_left,
        validation=validation,
    )
    write_atomically(folder / PROGRESS_NAME, progress.model_dump_json(indent=1).encode())


def delete_progress(folder: Path) -> None:
    """Remove the progress file of another fit in this folder."""
    remove_durably(folder / PROGRESS_NAME)


def read_progress(folder: Path) -> FitProgress | None:
    """Read the progress file in a folder; ``None`` if it is missing or invalid."""
    try:
        return FitProgress.model_validate_json((folder / PROGRESS_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def read_fit_files(folder: Path) -> FitFiles:
    """Read the files of a fit; any of them may be missing.

    Args:
        folder: Of the fit; need not exist. Only read; its files may change meanwhile.
    """
    return FitFiles(
        job=_read_job(folder / JOB_NAME),
        job_written=_modified_at(folder / JOB_NAME),
        finished=all((folder / name).is_file() for name in (RECORD_NAME, WEIGHTS_NAME)),
        progress=read_progress(folder),
        progress_written=_modified_at(folder / PROGRESS_NAME),
        holder=lease_holder(folder),
        lease_written=_modified_at(lease_path(folder)),
    )


def _read_job(path: Path) -> Mapping[str, Any] | None:
    """JSON of a job file, possibly of another version; ``None`` if it is missing or invalid."""
    try:
        job = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return job if isinstance(job, dict) else None


def _modified_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


SUBJECT_FIELDS = frozenset({"training_subjects", "validation_subjects", "keys", "rois"})
"""Fields whose values are long and about subjects: messages name the field only."""
ABSENT = "absent"


def differences_from(folder: Path, recorded: str, job: FitJob, fingerprint: str) -> tuple[str, ...]:
    """List how the fit in a folder differs from a job, which is why it cannot be resumed.

    Args:
        folder: Contains a fit's ``job.json`` and its checkpoints or weights.
        recorded: Fingerprint of the fit in the folder.
        job: The requested fit.
        fingerprint: Of the requested fit.

    Returns:
        One phrase for each difference; empty if both are the same fit.
    """
    if same_fit(recorded, fingerprint):
        return ()
    stored = _read_job(folder / JOB_NAME)
    if stored is None:
        return (f"{JOB_NAME} is missing or of another version",)
    requested = job.model_dump(mode="json")
    differences = describe_differences(fingerprinted_fields(stored), fingerprinted_fields(requested))
    if job.code and stored.get("code", "") != job.code:
        differences = (*differences, "code of faircmr")
    # the fingerprint also covers the tensors, which are not in the job
    return differences or ("preprocessed subjects",)


def describe_differences(actual: Mapping[str, Any], expected: Mapping[str, Any]) -> tuple[str, ...]:
    """Describe the values that differ, e.g. ``plans.patch is [64, 64], expected [96, 96]``.

    Args:
        actual: JSON of a job, of plans or of other parameters.
        expected: JSON to compare it with.
    """
    return tuple(_describe_differences("", actual, expected))


def _describe_differences(field: str, actual: Any, expected: Any) -> Iterator[str]:
    if actual == expected:
        return
    if field in SUBJECT_FIELDS:
        yield field.replace("_", " ")
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        for name in (*expected, *(name for name in actual if name not in expected)):
            yield from _describe_differences(
                f"{field}.{name}" if field else name, actual.get(name, ABSENT), expected.get(name, ABSENT)
            )
    else:
        yield f"{field} is {_value_text(actual)}, expected {_value_text(expected)}"


def _value_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
