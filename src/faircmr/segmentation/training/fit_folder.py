"""Files of a fit in its folder: the weights, and the record that marks them as complete."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from pydantic import ValidationError

from faircmr.core import InvalidModelError
from faircmr.core.host import lease, remove_durably, write_atomically
from faircmr.segmentation.network import load_tensors, save_network, save_tensors
from faircmr.segmentation.training.devices import barrier, is_rank_zero
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
    """Record of the fit in a folder, if it has this fingerprint, is finished and its weights are complete."""
    record = _read_record(folder)
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
    """Be the only fit that writes to the folder; with several ranks, rank 0 holds the lease.

    Raises:
        OutputError: Another process runs a fit there.
    """
    with lease(job.folder, job.name) if is_rank_zero() else nullcontext():
        barrier()
        yield


def require_finished(job: FitJob, tensors: Mapping[str, str]) -> None:
    """Check that a fit whose weights another fit starts from is finished.

    Args:
        job: The fit.
        tensors: Fingerprint of each preprocessed subject.

    Raises:
        InvalidModelError: It is not finished.
    """
    if finished_record(job.folder, job.fingerprint(tensors)) is None:
        raise InvalidModelError(
            job.name, "not finished", "a finished fit, because this one starts from its weights", "run it first"
        )


def start_over(job: FitJob, fingerprint: str) -> None:
    """Delete the files of another fit from the folder and write the new job file.

    The record of the other fit would otherwise mark the new weights as complete. The differences between both fits are
    logged.
    """
    record = _read_record(job.folder)
    recorded = recorded_fingerprint(job.folder) if record is None else record.fingerprint
    if recorded and (differences := differences_from(job.folder, recorded, job, fingerprint)):
        logger.warning(
            "%s: starts from the first epoch, because its folder contains another fit: %s",
            job.name,
            "; ".join(differences),
        )
    remove_durably(job.folder / RECORD_NAME)
    remove_durably(job.folder / WEIGHTS_NAME)
    remove_durably(job.folder / OBJECTIVE_NAME)
    clear_checkpoints(job.folder)
    write_atomically(job.folder / JOB_NAME, job.model_dump_json(indent=2).encode())


def save_if_best(job: FitJob, state: TrainingState, progress: Progress) -> None:
    """Write the weights if the best ones by validation are wanted and these are the best so far.

    They are written before the checkpoint of their epoch: if the fit is interrupted in between, the epoch
    is trained again and the same weights are written again.
    """
    if job.training.final_weights == "best" and best_epoch(progress.history) == len(progress.history):
        _save_weights(job, state)


def best_epoch(history: Sequence[EpochRecord]) -> int:
    """Epoch (from 1) with the highest validation DSC; the first of equal ones, the last epoch without validation."""
    validated = [
        (record.validation_dsc, -epoch)
        for epoch, record in enumerate(history, start=1)
        if record.validation_dsc is not None
    ]
    return -max(validated)[1] if validated else len(history)


def finish_fit(job: FitJob, state: TrainingState, progress: Progress) -> FitRecord:
    """On rank 0 write the weights, then the record, and remove the checkpoints.

    Returns:
        The record; its file exists only together with complete weights.
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
    if is_rank_zero():
        if kept == len(progress.history):
            _save_weights(job, state)
        write_atomically(job.folder / RECORD_NAME, record.model_dump_json(indent=2).encode())
        clear_checkpoints(job.folder)
    return record


def _save_weights(job: FitJob, state: TrainingState) -> None:
    save_network(job.folder / WEIGHTS_NAME, state.network, job.plans)
    if learnt := state.objective.state_dict():
        save_tensors(job.folder / OBJECTIVE_NAME, learnt, {"objective": job.objective.model_dump_json()})


def _read_record(folder: Path) -> FitRecord | None:
    try:
        return FitRecord.model_validate_json((folder / RECORD_NAME).read_bytes())
    except (OSError, ValidationError):
        return None
