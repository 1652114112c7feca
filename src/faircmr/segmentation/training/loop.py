"""Training loop: train the network of one job, with checkpoints and validation."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import torch
from torch import Tensor

from faircmr.core import InvalidModelError
from faircmr.core.host import REMEDY, ShouldStop, StoppedError, never_stop
from faircmr.segmentation.data import open_tensors
from faircmr.segmentation.training.data import TrainingData, Validation, open_training_data, validate
from faircmr.segmentation.training.devices import (
    any_rank,
    barrier,
    cpu_threads,
    deterministic_convolutions,
    device_of,
    is_rank_zero,
    local_samples,
    reuse_freed_memory,
)
from faircmr.segmentation.training.fit_folder import (
    finish_fit,
    finished_record,
    require_finished,
    save_if_best,
    sole_writer,
    start_over,
)
from faircmr.segmentation.training.fit_status import delete_progress, write_progress
from faircmr.segmentation.training.jobs import FitJob, learning_rate
from faircmr.segmentation.training.records import EpochRecord, EpochReport, FitRecord, OnEpoch, ignore_report
from faircmr.segmentation.training.state import (
    Checkpoint,
    Progress,
    TrainingState,
    initial_state,
    latest_checkpoint,
    save_checkpoint,
)


def fit(job: FitJob, on_epoch: OnEpoch = ignore_report, should_stop: ShouldStop = never_stop) -> FitRecord:
    """Train one network, or resume its training from a checkpoint, or return the record of a finished fit.

    Batch and augmentation of a step are functions of seed and step, and checkpoints contain the full
    state. An interrupted and resumed fit therefore ends in bit-identical weights to an uninterrupted one
    (on the same machine, with the same number of threads and devices).

    Args:
        job: All settings that determine the weights.
        on_epoch: Called after each epoch, once its checkpoint is on disk.
        should_stop: Called after each step; if it returns true, the state is saved in a checkpoint.

    Returns:
        Record of the finished fit; its weights are in ``job.folder``.

    Raises:
        InvalidModelError: The loss or its gradient is not a finite number; names the step and the
            subjects of its batch. Or the fit that this one starts from is not finished.
        InvalidParameterError: More devices are requested than are available.
        InvalidCohortError: A subject has no tensors or no label.
        OutputError: The fit's folder cannot be written, or another process runs a fit there.
        StoppedError: ``should_stop`` returned true.
    """
    store = open_tensors(job.tensors, job.reduction)
    fingerprint = job.fingerprint(store.fingerprints)
    if (record := finished_record(job.folder, fingerprint)) is not None:
        return record
    if job.after is not None:
        require_finished(job.after, store.fingerprints)
    reuse_freed_memory()
    with cpu_threads(job.training.threads), deterministic_convolutions():
        device = device_of(job.training.device)
        data, state = open_training_data(job, store, device), initial_state(job, device)
        with sole_writer(job):
            # another process may have finished the fit before this one got the lease
            return finished_record(job.folder, fingerprint) or _train(state, data, fingerprint, on_epoch, should_stop)


def _train(
    state: TrainingState, data: TrainingData, fingerprint: str, on_epoch: OnEpoch, should_stop: ShouldStop
) -> FitRecord:
    job = data.job
    progress = _restore_or_start_over(job, state, fingerprint)
    epoch_report = _epoch_reporter(job, len(progress.history))
    for epoch in job.effective_stage.epochs[len(progress.history) :]:
        set_learning_rate(state.optimiser, learning_rate(epoch, job.training, job.effective_stage))
        losses = _train_epoch(state, data, epoch, progress, should_stop)
        validation = _validate(state, data, len(progress.history) + 1)
        dsc = None if validation is None else validation.dsc
        result = EpochRecord(loss=sum(losses) / len(losses), validation_dsc=dsc)
        progress = Progress(fingerprint=fingerprint, history=(*progress.history, result))
        if is_rank_zero():
            report = epoch_report(progress)
            write_progress(job.folder, report, None if validation is None else validation.by_subject)
            save_if_best(job, state, progress)
            save_checkpoint(job.folder, Checkpoint(progress, state.tensors()))
            on_epoch(report)
    return finish_fit(job, state, progress)


def _train_epoch(
    state: TrainingState, data: TrainingData, epoch: int, progress: Progress, should_stop: ShouldStop
) -> list[float]:
    """Train the remaining steps of an epoch and return the losses of all its steps."""
    losses, steps = list(progress.losses), data.job.training.iterations_per_epoch
    for step in range(epoch * steps + len(losses), (epoch + 1) * steps):
        losses.append(train_step(state, data, step))
        if any_rank(should_stop(), data.device):
            raise _stopped_error(state, data.job, progress.model_copy(update={"losses": tuple(losses)}))
    return losses


def _stopped_error(state: TrainingState, job: FitJob, progress: Progress) -> StoppedError:
    if is_rank_zero():
        save_checkpoint(job.folder, Checkpoint(progress, state.tensors()))
    epoch, step = len(progress.history) + 1, len(progress.losses)
    where = f"epoch {epoch} of {len(job.effective_stage.epochs)}, step {step} of {job.training.iterations_per_epoch}"
    return StoppedError(job.name, f"stopped in {where}", "a checkpoint keeps what was trained", REMEDY)


def train_step(state: TrainingState, data: TrainingData, step: int) -> float:
    """Update the weights with the batch of one step.

    Returns:
        The loss of the batch before the update.

    Raises:
        InvalidModelError: The loss or its gradient is not a finite number; the weights are unchanged.
    """
    state.optimiser.zero_grad(set_to_none=True)
    loss = state.loss(local_samples(data.batch(step)))
    loss.backward()
    norm = state.clip_gradients(data.job.training.gradient_clip)
    # checked here only, so that the CPU waits for the GPU once a step
    _check_finite("loss", loss, data, step)
    _check_finite("norm of the gradient", norm, data, step)
    state.optimiser.step()
    return float(loss.detach())


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameters."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def _check_finite(quantity: str, value: Tensor, data: TrainingData, step: int) -> None:
    if not torch.isfinite(value):
        raise InvalidModelError(
            f"{data.job.name}, step {step}, a batch of {', '.join(data.subjects(step))}",
            f"{quantity} is {value.item()}",
            "a finite number",
            "check these subjects, or lower training.learning_rate; checkpoints of earlier epochs are kept",
        )


def _restore_or_start_over(job: FitJob, state: TrainingState, fingerprint: str) -> Progress:
    checkpoint = latest_checkpoint(job.folder, fingerprint)
    barrier()
    if checkpoint is None:
        if is_rank_zero():
            delete_progress(job.folder)
            start_over(job, fingerprint)
        return Progress(fingerprint=fingerprint)
    state.restore(checkpoint.tensors)
    return checkpoint.progress


def _validate(state: TrainingState, data: TrainingData, epochs_done: int) -> Validation | None:
    training = data.job.training
    due = epochs_done % training.validation_interval == 0 or epochs_done == len(data.job.effective_stage.epochs)
    if not due or not data.has_validation_subjects:
        return None
    return validate(state.network, data.validation_batches(), data.job.validation_subjects, training.precision)


def _epoch_reporter(job: FitJob, epochs_before: int) -> Callable[[Progress], EpochReport]:
    """Return a function that makes the report of an epoch, with the time left at the pace since this call."""
    started = monotonic()

    def report(progress: Progress) -> EpochReport:
        epochs_done, epochs = len(progress.history), len(job.effective_stage.epochs)
        result = progress.history[-1]
        seconds = (monotonic() - started) / (epochs_done - epochs_before) * (epochs - epochs_done)
        return EpochReport(job.name, epochs_done, epochs, result.loss, result.validation_dsc, seconds)

    return report
