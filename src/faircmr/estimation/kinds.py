"""Kinds of training steps: two steps of one kind cost the same, whoever is trained on."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faircmr.core.parameters import Parameters
from faircmr.mitigation.fits import SAMPLERS
from faircmr.segmentation.jobs import Component, FitJob

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


def divided(job: FitJob) -> list[tuple[StepKind, int]]:
    """Kinds of the steps of a fit, in order, and how many steps there are of each."""
    each = job.training.iterations_per_epoch
    first, end = job.part.first * each, job.part.end * each
    if JOINT_FROM not in job.objective.parameters:
        return [(_kind(job, job.objective, ""), end - first)]
    turn = min(max(job.objective.parameters[JOINT_FROM], first), end)
    halves = (("apart", NEVER, turn - first), ("joint", 0, end - turn))
    return [(_kind(job, _from(job.objective, start), half), steps) for half, start, steps in halves if steps]


def _from(objective: Component, step: int) -> Component:
    return objective.model_copy(update={"parameters": {**objective.parameters, JOINT_FROM: step}})


def _kind(job: FitJob, objective: Component, half: str) -> StepKind:
    content = [
        job.plans.model_dump(mode="json"),
        job.training.model_dump(mode="json"),
        objective.path,
        # what a mapping holds (a weight a group) differs from fold to fold, and costs the same
        {name: sorted(one) if isinstance(one, Mapping) else one for name, one in objective.parameters.items()},
    ]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:6]
    return StepKind(name=" ".join(filter(None, (_label(job), half, digest))), job=_smallest(job, objective))


def _label(job: FitJob) -> str:
    if job.reduction > 1:
        return "localiser"
    name = job.objective.path.rpartition(".")[2].removesuffix("Objective")
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _smallest(job: FitJob, objective: Component) -> FitJob:
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
