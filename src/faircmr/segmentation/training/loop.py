"""Training a network: one job, one fit, one loop."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

import torch
from torch import Tensor

from faircmr.core import InvalidModelError
from faircmr.core.host import REMEDY, ShouldStop, StoppedError, never
from faircmr.segmentation.data import open_tensors
from faircmr.segmentation.training.data import TrainingData, Validation, open_data, validate
from faircmr.segmentation.training.devices import (
    anywhere,
    cpu_threads,
    device_of,
    keep_freed_memory,
    leads,
    part_of,
    repeatable_convolutions,
    wait,
)
from faircmr.segmentation.training.fit_folder import (
    finish,
    finished_record,
    keep_best,
    require_finished,
    sole_writer,
    start_over,
)
from faircmr.segmentation.training.fit_status import forget_progress, keep_progress
from faircmr.segmentation.training.jobs import FitJob, learning_rate
from faircmr.segmentation.training.records import EpochRecord, EpochReport, FitRecord, OnEpoch, ignore
from faircmr.segmentation.training.state import (
    Checkpoint,
    Progress,
    TrainingState,
    initial_state,
    latest_checkpoint,
    save_checkpoint,
)


def fit(job: FitJob, on_epoch: OnEpoch = ignore, should_stop: ShouldStop = never) -> FitRecord:
    """Train one network, or go on where training was cut off, or return what is done already.

    Batch and augmentation of a step are functions of seed and step, and a checkpoint holds all that
    changes, so that a fit which was cut off and goes on ends in the same weights, bit by bit, as one
    which was not (same machine, same number of threads and devices).

    Args:
        job: Everything that determines the weights.
        on_epoch: Called after each epoch, once its checkpoint is on disk.
        should_stop: Asked after each step, whose state is kept in a checkpoint where the answer is yes.

    Returns:
        Record of the finished fit; its weights are in ``job.folder``.

    Raises:
        InvalidModelError: The loss or its gradient is not a finite number; names the step and the
            subjects of its batch. Or the fit that this one begins with is not finished.
        InvalidParameterError: There are more devices than can be used.
        InvalidCohortError: A subject has no tensors or no label.
        OutputError: The fit's folder cannot be written, or another process fits there.
        StoppedError: ``should_stop`` has said so.
    """
    store = open_tensors(job.tensors, job.reduction)
    fingerprint = job.fingerprint(store.fingerprints)
    if (record := finished_record(job.folder, fingerprint)) is not None:
        return record
    if job.after is not None:
        require_finished(job.after, store.fingerprints)
    keep_freed_memory()
    with cpu_threads(job.training.threads), repeatable_convolutions():
        device = device_of(job.training.device)
        data, state = open_data(job, store, device), initial_state(job, device)
        with sole_writer(job):
            # until it was the only writer, another one may have finished the fit
            return finished_record(job.folder, fingerprint) or _train(state, data, fingerprint, on_epoch, should_stop)


def _train(
    state: TrainingState, data: TrainingData, fingerprint: str, on_epoch: OnEpoch, should_stop: ShouldStop
) -> FitRecord:
    job = data.job
    progress = _restored(job, state, fingerprint)
    pace = _pace(job, len(progress.history))
    for epoch in job.part.epochs[len(progress.history) :]:
        set_learning_rate(state.optimiser, learning_rate(epoch, job.training, job.part))
        losses = _train_epoch(state, data, epoch, progress, should_stop)
        validation = _validate(state, data, len(progress.history) + 1)
        dsc = None if validation is None else validation.dsc
        result = EpochRecord(loss=sum(losses) / len(losses), validation_dsc=dsc)
        progress = Progress(fingerprint=fingerprint, history=(*progress.history, result))
        if leads():
            report = pace(progress)
            keep_progress(job.folder, report, None if validation is None else validation.by_subject)
            keep_best(job, state, progress)
            save_checkpoint(job.folder, Checkpoint(progress, state.tensors()))
            on_epoch(report)
    return finish(job, state, progress)


def _train_epoch(
    state: TrainingState, data: TrainingData, epoch: int, progress: Progress, should_stop: ShouldStop
) -> list[float]:
    """Loss of every step of an epoch, of which some may be done already."""
    losses, steps = list(progress.losses), data.job.training.iterations_per_epoch
    for step in range(epoch * steps + len(losses), (epoch + 1) * steps):
        losses.append(train_step(state, data, step))
        if anywhere(should_stop(), data.device):
            raise _stopped(state, data.job, progress.model_copy(update={"losses": tuple(losses)}))
    return losses


def _stopped(state: TrainingState, job: FitJob, progress: Progress) -> StoppedError:
    if leads():
        save_checkpoint(job.folder, Checkpoint(progress, state.tensors()))
    epoch, step = len(progress.history) + 1, len(progress.losses)
    where = f"epoch {epoch} of {len(job.part.epochs)}, step {step} of {job.training.iterations_per_epoch}"
    return StoppedError(job.name, f"stopped in {where}", "a checkpoint keeps what was trained", REMEDY)


def train_step(state: TrainingState, data: TrainingData, step: int) -> float:
    """Change the weights by the batch of one step.

    Returns:
        The loss of the batch before the change.

    Raises:
        InvalidModelError: The loss or its gradient is not a finite number; the weights are unchanged.
    """
    state.optimiser.zero_grad(set_to_none=True)
    loss = state.loss(part_of(data.batch(step)))
    loss.backward()
    norm = state.clip_gradients(data.job.training.gradient_clip)
    # looked at here and not before: a GPU is waited for once a step
    _check_finite("loss", loss, data, step)
    _check_finite("norm of the gradient", norm, data, step)
    state.optimiser.step()
    return float(loss.detach())


def set_learning_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Use one learning rate for all parameters from now on."""
    for group in optimiser.param_groups:
        group["lr"] = rate


def _check_finite(what: str, value: Tensor, data: TrainingData, step: int) -> None:
    if not torch.isfinite(value):
        raise InvalidModelError(
            f"{data.job.name}, step {step}, a batch of {', '.join(data.subjects(step))}",
            f"{what} is {value.item()}",
            "a finite number",
            "look at these subjects, or lower training.learning_rate; what was trained before this epoch is kept",
        )


def _restored(job: FitJob, state: TrainingState, fingerprint: str) -> Progress:
    checkpoint = latest_checkpoint(job.folder, fingerprint)
    wait()
    if checkpoint is None:
        if leads():
            forget_progress(job.folder)
            start_over(job, fingerprint)
        return Progress(fingerprint=fingerprint)
    state.restore(checkpoint.tensors)
    return checkpoint.progress


def _validate(state: TrainingState, data: TrainingData, done: int) -> Validation | None:
    training = data.job.training
    due = done % training.validation_interval == 0 or done == len(data.job.part.epochs)
    if not due or not data.validated:
        return None
    return validate(state.network, data.validation_batches(), data.job.validation_subjects, training.precision)


def _pace(job: FitJob, done_before: int) -> Callable[[Progress], EpochReport]:
    """Report of an epoch, with the time left at the pace since now."""
    started = monotonic()

    def report(progress: Progress) -> EpochReport:
        done, epochs = len(progress.history), len(job.part.epochs)
        result = progress.history[-1]
        seconds = (monotonic() - started) / (done - done_before) * (epochs - done)
        return EpochReport(job.name, done, epochs, result.loss, result.validation_dsc, seconds)

    return report
