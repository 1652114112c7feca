"""What the folder of a fit says without torch: how far it is, and how it differs from another fit.

A fit writes a small file of its own at the end of every epoch. It plays no part in training: a fit that goes on does
not read it for its weights, and it is the same after a fit that was cut off as after one that was not.
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
from faircmr.core.host import DEAD_AFTER, Holder, holder_of, lease_path, remove, still_runs, write_whole
from faircmr.segmentation.training.jobs import FitJob, identity, same_fit
from faircmr.segmentation.training.records import JOB_NAME, RECORD_NAME, WEIGHTS_NAME, EpochReport

PROGRESS_NAME = "progress.json"


class State(StrEnum):
    """What a fit does, as far as files tell."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPED = "stopped"
    SILENT = "stopped?"
    FINISHED = "finished"


class LastValidation(Parameters):
    """What the last validation came to.

    Attributes:
        epoch: After which it was, from 1.
        dsc: Of each validation subject that had a sample, by study key, 0..1; a fit knows nobody's group.
    """

    epoch: int
    dsc: dict[str, float]


class FitProgress(Parameters):
    """How far a fit is.

    Attributes:
        epoch: Epochs done.
        epochs: Epochs of its part of the schedule.
        loss: Mean training loss of the last one.
        seconds_left: Until the fit is done, as of the end of that epoch, at the pace since it was started or went on.
        validation: The last one; ``None`` where there was none.
    """

    epoch: int
    epochs: int
    loss: float
    seconds_left: float
    validation: LastValidation | None = None


@dataclass(frozen=True)
class FitFiles:
    """What is known of a fit from the files in its folder.

    Attributes:
        job: As JSON has it; ``None`` where the fit has not been begun.
        begun: When that was written, in seconds since 1970; 0 where it was not.
        finished: Whether its record and weights are there.
        progress: After the last epoch; ``None`` before the first one has ended.
        told: When that was written.
        holder: The process that fits, or did until it was killed; ``None`` where nobody does.
        heard: When it last gave a sign.
    """

    job: Mapping[str, Any] | None
    begun: float
    finished: bool
    progress: FitProgress | None
    told: float
    holder: Holder | None
    heard: float

    def state(self, now: float) -> State:
        """What the fit does.

        Args:
            now: Seconds since 1970. A holder on another machine is judged by its signs, so that the clocks of file
                system and of this machine should differ by less than :data:`~faircmr.core.host.DEAD_AFTER`.
        """
        if self.finished:
            return State.FINISHED
        if self.holder is None:
            return State.WAITING if self.job is None else State.STOPPED
        running = still_runs(self.holder.place, self.holder.pid, self.holder.start)
        if running is None:
            return State.RUNNING if now - self.heard <= DEAD_AFTER else State.SILENT
        return State.RUNNING if running else State.STOPPED


def keep_progress(folder: Path, report: EpochReport, dsc: Mapping[str, float] | None) -> None:
    """Write how far a fit is.

    It is written before the checkpoint of its epoch: cut off in between, the epoch is trained again and the same is
    written again.

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
    write_whole(folder / PROGRESS_NAME, progress.model_dump_json(indent=1).encode())


def forget_progress(folder: Path) -> None:
    """Remove what another fit in this folder has told.

    Raises:
        OutputError: The folder cannot be written.
    """
    remove(folder / PROGRESS_NAME)


def read_progress(folder: Path) -> FitProgress | None:
    """How far the fit in a folder is; ``None`` where nothing can be read of it."""
    try:
        return FitProgress.model_validate_json((folder / PROGRESS_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def look_at(folder: Path) -> FitFiles:
    """What the files of a fit say, whatever of them is there.

    Args:
        folder: The fit's; need not exist. Nothing is written there, and files that come and go do no harm.
    """
    return FitFiles(
        job=_job(folder / JOB_NAME),
        begun=_written(folder / JOB_NAME),
        finished=all((folder / name).is_file() for name in (RECORD_NAME, WEIGHTS_NAME)),
        progress=read_progress(folder),
        told=_written(folder / PROGRESS_NAME),
        holder=holder_of(folder),
        heard=_written(lease_path(folder)),
    )


def _job(path: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


BY_SUBJECT = frozenset({"training_subjects", "validation_subjects", "keys", "rois"})
"""Long, and about people: it is said that they differ, not how."""
ABSENT = "absent"


def differences_from(folder: Path, recorded: str, job: FitJob, fingerprint: str) -> tuple[str, ...]:
    """Why work in a folder is not gone on with.

    Args:
        folder: Holds a fit's ``job.json`` and its work.
        recorded: Fingerprint of that work.
        job: The fit that is asked for.
        fingerprint: Its own.

    Returns:
        One phrase a difference; nothing where both are the same fit.
    """
    if same_fit(recorded, fingerprint):
        return ()
    there = _stored(folder / JOB_NAME)
    if there is None:
        return (f"{JOB_NAME} is missing or of another version",)
    here = job.model_dump(mode="json")
    found = named_differences(identity(there), identity(here))
    if job.code and there.get("code", "") != job.code:
        found = (*found, "code of faircmr")
    # a job holds no tensors: where all that it holds is equal, they are what is left
    return found or ("preprocessed subjects",)


def named_differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[str, ...]:
    """Values that differ, e.g. ``plans.patch is [64, 64] there and [96, 96] here``.

    Args:
        there: JSON of a job, of plans or of other parameters.
        here: As ``there``.
    """
    return tuple(_phrases("", there, here))


def _phrases(place: str, there: Any, here: Any) -> Iterator[str]:
    if there == here:
        return
    if place in BY_SUBJECT:
        yield place.replace("_", " ")
    elif isinstance(there, Mapping) and isinstance(here, Mapping):
        for name in (*here, *(name for name in there if name not in here)):
            yield from _phrases(f"{place}.{name}" if place else name, there.get(name, ABSENT), here.get(name, ABSENT))
    else:
        yield f"{place} is {_shown(there)} there and {_shown(here)} here"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _stored(path: Path) -> dict[str, Any] | None:
    """A job as it was written, by whatever version."""
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return stored if isinstance(stored, dict) else None
