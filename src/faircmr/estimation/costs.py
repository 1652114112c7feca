"""What a step of each kind costs, as it was measured."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.core.machine import this_machine
from faircmr.core.parameters import Parameters
from faircmr.estimation.kinds import StepKind
from faircmr.estimation.parameters import EstimateParameters


class MeasuringRequest(Parameters):
    """Kinds to measure, and how."""

    kinds: tuple[StepKind, ...]
    parameters: EstimateParameters


class StepCost(Parameters):
    """What was measured of one kind; missing where its process was killed, or its device has too little memory.

    Attributes:
        kind: Its name.
        seconds: Median of the steps, each from reading tensors that lie in memory to changed weights.
        validation_seconds: One validation; 0 where nobody validates.
        checkpoint_seconds: Writing one checkpoint into the system's folder for temporary files.
        steps: Steps that were measured.
        memory_bytes: On a CPU the largest private memory (RssAnon, sampled every 5 ms) of a process that does nothing
            but the steps, a validation and a checkpoint, its libraries included. On a GPU the largest memory of
            PyTorch's tensors there (``torch.cuda.max_memory_allocated``), without CUDA's own context.
        weights: Numbers that are trained, of the network and of the objective.
        weights_bytes: Of the files that a finished fit keeps.
        checkpoints_bytes: Of the checkpoints that an unfinished fit keeps.
        device: Name of the GPU, or ``cpu``.
        threads: CPU threads.
    """

    kind: str
    seconds: float | None = None
    validation_seconds: float | None = None
    checkpoint_seconds: float | None = None
    steps: int = 0
    memory_bytes: float | None = None
    weights: int | None = None
    weights_bytes: int | None = None
    checkpoints_bytes: int | None = None
    device: str | None = None
    threads: int


def cost_table(costs: Sequence[StepCost]) -> pd.DataFrame:
    """One row a kind, with the machine that it was measured on."""
    table = pd.DataFrame([cost.model_dump() for cost in costs], columns=list(StepCost.model_fields))
    return table.assign(machine=this_machine())
