"""A few real steps of one kind, by the engine's own functions."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch

from faircmr.estimation.costs import StepCost
from faircmr.estimation.kinds import StepKind
from faircmr.estimation.memory import Peak, sampled_peak
from faircmr.estimation.parameters import EstimateParameters
from faircmr.estimation.synthetic import SyntheticStore
from faircmr.segmentation.checkpoints import KEPT, Checkpoint, Progress, save_checkpoint
from faircmr.segmentation.devices import cpu_threads, device_of, keep_freed_memory, repeatable_convolutions
from faircmr.segmentation.training import train_step
from faircmr.segmentation.training_data import TrainingData, open_data
from faircmr.segmentation.training_state import TrainingState, initial_state
from faircmr.segmentation.validation import validate


def measure(kind: StepKind, parameters: EstimateParameters) -> StepCost:
    """Train for a few steps on noise, validate once, write one checkpoint.

    Memory is that of the whole process: it must have done nothing before.

    Args:
        kind: What to measure.
        parameters: How many steps.

    Raises:
        InvalidParameterError: The objective cannot be made for these plans, or a GPU is asked for and there is none.
        OutputError: The folder for temporary files is full.
    """
    job = kind.job
    keep_freed_memory()
    with cpu_threads(job.training.threads), repeatable_convolutions(), sampled_peak() as peak:
        device = device_of(job.training.device)
        data, state = open_data(job, SyntheticStore(job.plans), device), initial_state(job, device)
        seconds = step_seconds(partial(train_step, state, data), parameters)
        validation = _seconds(partial(_validate, state, data)) if data.validated else 0.0
        checkpoint, checkpoint_bytes = _checkpoint(state)
    return StepCost(
        kind=kind.name,
        seconds=statistics.median(seconds),
        validation_seconds=validation,
        checkpoint_seconds=checkpoint,
        steps=len(seconds),
        memory_bytes=_memory(device, peak),
        weights=sum(parameter.numel() for parameter in state.parameters.values()),
        weights_bytes=_kept_bytes(state),
        checkpoints_bytes=KEPT * checkpoint_bytes,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        threads=job.training.threads,
    )


def step_seconds(step: Callable[[int], object], parameters: EstimateParameters) -> list[float]:
    """Seconds of each step after the warm-up; one at least, however long it takes."""
    for number in range(parameters.warm_up):
        step(number)
    began, seconds = perf_counter(), []
    for number in range(parameters.warm_up, parameters.warm_up + parameters.steps):
        # a step ends with the loss on the CPU: a GPU has been waited for
        seconds.append(_seconds(partial(step, number)))
        if perf_counter() - began > parameters.longest_seconds:
            break
    return seconds


def _seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def _validate(state: TrainingState, data: TrainingData) -> None:
    validate(state.network, data.validation_batches(), data.job.validation_subjects, data.job.training.precision)


def _checkpoint(state: TrainingState) -> tuple[float, int]:
    """Seconds and bytes of one checkpoint."""
    with TemporaryDirectory() as folder:
        tensors = state.tensors()
        seconds = _seconds(partial(save_checkpoint, Path(folder), Checkpoint(Progress(fingerprint=""), tensors)))
        return seconds, sum(file.stat().st_size for file in Path(folder).iterdir())


def _memory(device: torch.device, peak: Peak) -> float:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak.value


def _kept_bytes(state: TrainingState) -> int:
    kept = (*state.network.state_dict().values(), *state.objective.state_dict().values())
    return sum(tensor.nbytes for tensor in kept)
