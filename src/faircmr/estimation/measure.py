"""Measuring as a process: ``python -m faircmr.estimation.measure request.json`` prints a line of JSON a kind.

The libraries are loaded once. Each kind then has a process of its own, a copy of one that has computed nothing, so
that memory and caches of one kind are not another's, and a kind that is killed for its memory takes nobody along.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch

from faircmr.core import generator
from faircmr.core.scans import Phase
from faircmr.estimation.costs import EstimateParameters, MeasuringRequest, StepCost, StepKind
from faircmr.estimation.processes import Peak, sampled_peak
from faircmr.segmentation.data import (
    Array,
    SubjectTensors,
    TensorStore,
    areas_name,
    image_name,
    label_name,
    structure_areas,
)
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import (
    CHECKPOINTS_KEPT,
    Checkpoint,
    Progress,
    TrainingData,
    TrainingState,
    cpu_threads,
    deterministic_convolutions,
    device_of,
    error_message,
    initial_state,
    open_training_data,
    reuse_freed_memory,
    save_checkpoint,
    train_step,
    validate,
)

SLICES = 2


class SyntheticStore(TensorStore):
    """A tensors folder in memory, in which every subject is found.

    Args:
        plans: Whose patch is the size of an image.
    """

    def __init__(self, plans: Plans) -> None:
        # nothing is read: there is no folder
        self.folder, self.fingerprints, self.code = Path(), {}, ""
        self.plans = plans

    def subject(self, subject_id: str) -> SubjectTensors:
        """Noise, a function of the subject's name."""
        rng = generator(0, "synthetic", subject_id)
        shape = (SLICES, *self.plans.patch)
        image = rng.normal(size=shape).astype(np.float16)
        label = rng.integers(self.plans.classes, size=shape, dtype=np.uint8)
        phase = Phase.ED
        arrays: dict[str, Array] = {
            image_name(phase): image,
            label_name(phase): label,
            areas_name(phase): structure_areas(label),
        }
        return SubjectTensors(subject_id, "", arrays)


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
    reuse_freed_memory()
    with cpu_threads(job.training.threads), deterministic_convolutions(), sampled_peak() as peak:
        device = device_of(job.training.device)
        data, state = open_training_data(job, SyntheticStore(job.plans), device), initial_state(job, device)
        seconds = step_seconds(partial(train_step, state, data), parameters)
        validation = _elapsed_seconds(partial(_validate, state, data)) if data.has_validation_subjects else 0.0
        checkpoint, checkpoint_bytes = _checkpoint(state)
    return StepCost(
        kind=kind.name,
        seconds=statistics.median(seconds),
        validation_seconds=validation,
        checkpoint_seconds=checkpoint,
        steps=len(seconds),
        memory_bytes=_memory(device, peak),
        weights=sum(parameter.numel() for parameter in state.parameters.values()),
        weights_bytes=_persistent_bytes(state),
        checkpoints_bytes=CHECKPOINTS_KEPT * checkpoint_bytes,
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
        seconds.append(_elapsed_seconds(partial(step, number)))
        if perf_counter() - began > parameters.longest_seconds:
            break
    return seconds


def _elapsed_seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def _validate(state: TrainingState, data: TrainingData) -> None:
    validate(state.network, data.validation_batches(), data.job.validation_subjects, data.job.training.precision)


def _checkpoint(state: TrainingState) -> tuple[float, int]:
    """Seconds and bytes of one checkpoint."""
    with TemporaryDirectory() as folder:
        tensors = state.tensors()
        seconds = _elapsed_seconds(
            partial(save_checkpoint, Path(folder), Checkpoint(Progress(fingerprint=""), tensors))
        )
        return seconds, sum(file.stat().st_size for file in Path(folder).iterdir())


def _memory(device: torch.device, peak: Peak) -> float:
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak.value


def _persistent_bytes(state: TrainingState) -> int:
    tensors = (*state.network.state_dict().values(), *state.objective.state_dict().values())
    return sum(tensor.nbytes for tensor in tensors)


def main(arguments: Sequence[str]) -> int:
    """Measure the kinds of a request.

    Args:
        arguments: Path of the request.

    Returns:
        Exit status 0: what went wrong is said in the lines.
    """
    (path,) = arguments
    request = MeasuringRequest.model_validate_json(Path(path).read_text())
    # classifiers import it when they are made; here it is loaded before the processes divide
    import monai.networks.nets.densenet  # noqa: F401

    for kind in request.kinds:
        sys.stdout.write(f"{_in_own_process(kind, request.parameters)}\n")
        sys.stdout.flush()
    return 0


def _in_own_process(kind: StepKind, parameters: EstimateParameters) -> str:
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measure_into, args=(sender, kind, parameters))
    process.start()
    sender.close()
    try:
        return str(receiver.recv_bytes(), "utf-8")
    except EOFError:
        return _unknown_cost(kind)
    finally:
        process.join()


def _measure_into(sender: Connection, kind: StepKind, parameters: EstimateParameters) -> None:
    try:
        message = measure(kind, parameters).model_dump_json()
    except torch.OutOfMemoryError:
        message = _unknown_cost(kind)
    except Exception as error:  # noqa: BLE001 - whatever it is, the process that asked is told
        message = error_message(error)
    sender.send_bytes(message.encode())


def _unknown_cost(kind: StepKind) -> str:
    return StepCost(kind=kind.name, threads=kind.job.training.threads).model_dump_json()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
