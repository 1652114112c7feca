"""What a fit leaves in its folder: its weights, and a record that they are whole."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from pydantic import ValidationError

from faircmr.core import InvalidModelError
from faircmr.core.host import lease, remove, write_whole
from faircmr.segmentation.network import load_tensors, save_network, save_tensors
from faircmr.segmentation.training.devices import leads, wait
from faircmr.segmentation.training.fit_status import differences_from
from faircmr.segmentation.training.jobs import FitJob, same_fit
from faircmr.segmentation.training.records import (
    JOB_NAME,
    OBJECTIVE_NAME,
    RECORD_NAME,
    WEIGHTS_NAME,
    EpochRecord,
    FitRecord,
)
from faircmr.segmentation.training.state import Progress, TrainingState, clear_checkpoints, recorded_fingerprint

logger = logging.getLogger(__name__)


def finished_record(folder: Path, fingerprint: str) -> FitRecord | None:
    """Record of a finished fit, if this very fit is finished and its weights are whole."""
    record = _record(folder)
    if record is None or not same_fit(record.fingerprint, fingerprint):
        return None
    try:
        for name in (WEIGHTS_NAME, *((OBJECTIVE_NAME,) if record.objective else ())):
            load_tensors(folder / name)
    except InvalidModelError:
        return None
    return record


@contextmanager
def sole_writer(job: FitJob) -> Iterator[None]:
    """Be the only fit that writes in the folder; of several processes of one fit the one that leads holds the lease.

    Raises:
        OutputError: Another process fits there.
    """
    with lease(job.folder, job.name) if leads() else nullcontext():
        wait()
        yield


def require_finished(job: FitJob, tensors: Mapping[str, str]) -> None:
    """Refuse to go on from a fit that is not finished.

    Args:
        job: The fit whose weights another one begins with.
        tensors: Fingerprint of each preprocessed subject.

    Raises:
        InvalidModelError: Its folder does not hold it, whole.
    """
    if finished_record(job.folder, job.fingerprint(tensors)) is None:
        raise InvalidModelError(job.name, "not finished", "the fit that this one begins with", "run it first")


def start_over(job: FitJob, fingerprint: str) -> None:
    """Leave nothing of another fit in the folder: its record would vouch for weights that are not its own.

    What differs between that fit and this one is logged.
    """
    record = _record(job.folder)
    recorded = recorded_fingerprint(job.folder) if record is None else record.fingerprint
    if recorded and (found := differences_from(job.folder, recorded, job, fingerprint)):
        logger.warning("%s: starts over, because its folder holds another fit: %s", job.name, "; ".join(found))
    remove(job.folder / RECORD_NAME)
    remove(job.folder / WEIGHTS_NAME)
    remove(job.folder / OBJECTIVE_NAME)
    clear_checkpoints(job.folder)
    write_whole(job.folder / JOB_NAME, job.model_dump_json(indent=2).encode())


def keep_best(job: FitJob, state: TrainingState, progress: Progress) -> None:
    """Write the weights if they are to be the best by validation, and are the best so far.

    They are written before the checkpoint of their epoch: cut off in between, the epoch is trained
    again and the same weights are written again.
    """
    if job.training.final_weights == "best" and best_epoch(progress.history) == len(progress.history):
        _save_weights(job, state)


def best_epoch(history: Sequence[EpochRecord]) -> int:
    """Epoch (from 1) of the highest validation DSC, the first of equals; the last if none was validated."""
    validated = [
        (record.validation_dsc, -epoch)
        for epoch, record in enumerate(history, start=1)
        if record.validation_dsc is not None
    ]
    return -max(validated)[1] if validated else len(history)


def finish(job: FitJob, state: TrainingState, progress: Progress) -> FitRecord:
    """Write the weights and then the record, and remove the checkpoints; done by the process that leads.

    Returns:
        The record, which exists only beside whole weights.
    """
    kept = best_epoch(progress.history) if job.training.final_weights == "best" else len(progress.history)
    record = FitRecord(
        name=job.name,
        seed=job.seed,
        fold=job.fold,
        fingerprint=progress.fingerprint,
        history=progress.history,
        weights_epoch=kept,
        serves=job.serves,
        predicts=job.predicts,
        objective=bool(state.objective.state_dict()),
    )
    if leads():
        if kept == len(progress.history):
            _save_weights(job, state)
        write_whole(job.folder / RECORD_NAME, record.model_dump_json(indent=2).encode())
        clear_checkpoints(job.folder)
    return record


def _save_weights(job: FitJob, state: TrainingState) -> None:
    save_network(job.folder / WEIGHTS_NAME, state.network, job.plans)
    if learnt := state.objective.state_dict():
        save_tensors(job.folder / OBJECTIVE_NAME, learnt, {"objective": job.objective.model_dump_json()})


def _record(folder: Path) -> FitRecord | None:
    try:
        return FitRecord.model_validate_json((folder / RECORD_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
