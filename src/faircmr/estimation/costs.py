"""Kinds of training steps, and the measured cost of one step of each kind."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
from pydantic import Field

from faircmr.core import Parameters, json_digest
from faircmr.core.host import this_machine
from faircmr.mitigation import SAMPLERS
from faircmr.segmentation.training import Component, FitJob


class EstimateParameters(Parameters):
    """How the steps of each kind are measured.

    Attributes:
        warm_up: Steps before those that are measured: the first ones of a process take longer.
        steps: Steps of which the median is taken.
        longest_seconds: After so long no further step of a kind is begun, once one has been measured.
        totals: Strategies to be summed in addition to the whole study, by the name of the sum.
    """

    warm_up: Annotated[int, Field(ge=0)] = 2
    steps: Annotated[int, Field(ge=1)] = 10
    longest_seconds: Annotated[float, Field(gt=0.0)] = 60.0
    totals: dict[str, tuple[str, ...]] = Field(default_factory=dict)


JOINT_FROM = "joint_from"
"""Parameter of an objective whose steps are of another kind from that step on."""
NEVER = sys.maxsize


class StepKind(Parameters):
    """Network, objective, batch and patch.

    Attributes:
        name: Says what the objective is; equal names, equal kinds.
        job: A fit of which every step is of this kind, on one subject a key, whose tensors need not exist.
    """

    name: str
    job: FitJob


def steps_by_kind(job: FitJob) -> list[tuple[StepKind, int]]:
    """Kinds of the steps of a fit, in order, and how many steps there are of each."""
    each = job.training.iterations_per_epoch
    first, end = job.effective_stage.first * each, job.effective_stage.end * each
    if JOINT_FROM not in job.objective.parameters:
        return [(_step_kind(job, job.objective, ""), end - first)]
    turn = min(max(job.objective.parameters[JOINT_FROM], first), end)
    halves = (("apart", NEVER, turn - first), ("joint", 0, end - turn))
    return [
        (_step_kind(job, _objective_from_step(job.objective, start), half), steps)
        for half, start, steps in halves
        if steps
    ]


def _objective_from_step(objective: Component, step: int) -> Component:
    return objective.model_copy(update={"parameters": {**objective.parameters, JOINT_FROM: step}})


def _step_kind(job: FitJob, objective: Component, half: str) -> StepKind:
    content = [
        job.plans.model_dump(mode="json"),
        job.training.model_dump(mode="json"),
        objective.path,
        # what a mapping holds (a weight a group) differs from fold to fold, and costs the same
        {name: sorted(one) if isinstance(one, Mapping) else one for name, one in objective.parameters.items()},
    ]
    digest = json_digest(content, 6)
    return StepKind(name=" ".join(filter(None, (_kind_label(job), half, digest))), job=_smallest_job(job, objective))


def _kind_label(job: FitJob) -> str:
    if job.reduction > 1:
        return "localiser"
    name = job.objective.path.rpartition(".")[2].removesuffix("Objective")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _smallest_job(job: FitJob, objective: Component) -> FitJob:
    """The same steps on one subject a key, from the first weights, and without stages."""
    members = tuple({job.keys.get(one, ""): one for one in job.training_subjects}.values())
    update: dict[str, Any] = {
        "name": "measured",
        "folder": Path(),
        "training_subjects": members,
        "validation_subjects": job.validation_subjects[:1],
        "keys": {one: job.keys[one] for one in members if one in job.keys},
        "strata": {},
        "sampler": SAMPLERS["random"],
        "objective": objective,
        "rois": {},
        "stage": None,
        "after": None,
    }
    return job.model_copy(update=update)


class MeasuringRequest(Parameters):
    """Kinds to measure, and how."""

    kinds: tuple[StepKind, ...]
    parameters: EstimateParameters


class StepCost(Parameters):
    """What was measured of one kind; missing where its process was killed, or its device has too little memory.

    Attributes:
        kind: Its name.
        seconds: Median of the steps, each from reading tensors that lie in memory to changed weights.
        validation_seconds: One validation; 0 without validation.
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
