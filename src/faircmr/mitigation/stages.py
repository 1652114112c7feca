"""The stages of a strategy: one fit as several, of which each begins with the weights of the one before."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable, Mapping

from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.core.omissions import Omission
from faircmr.mitigation.choices import OneStage, ProtectedGroupModels, TwoStages
from faircmr.segmentation.jobs import SEGMENTATION, FitJob
from faircmr.segmentation.stages import Curve, Stage

FIRST = "first"
"""Folder of a fit that serves nobody: others begin with its weights."""
Groups = Mapping[str, str]
"""Protected group of each subject, by study key."""

logger = logging.getLogger(__name__)


def staged(whole: FitJob, stages: OneStage | TwoStages | ProtectedGroupModels, groups: Groups) -> tuple[FitJob, ...]:
    """Divide a fit over the whole schedule into the stages of a strategy.

    Args:
        whole: The fit as a strategy of one stage makes it; it serves everybody.
        stages: Which stages.
        groups: Of all its subjects.

    Returns:
        Every fit, each after the one that it begins with.

    Raises:
        InvalidParameterError: The schedule has no two halves.
        InvalidCohortError: A group that is to have a model has nobody to train on.
    """
    if isinstance(stages, OneStage):
        return (whole,)
    if isinstance(stages, TwoStages):
        first = _first_half(whole, stages.learning_rate).model_copy(update={"predicts": False})
        first = renamed(first, FIRST)
        return first, _second_half(whole, first, stages.learning_rate)
    shared = _first_half(whole, stages.learning_rate)
    chosen = _groups_with_a_model(whole, stages, groups)
    return shared, *(_group_model(whole, shared, stages.learning_rate, group, groups) for group in chosen)


def half_of(epochs: int, whose: str) -> int:
    """Half of a number of epochs.

    Raises:
        InvalidParameterError: It is odd.
    """
    if epochs % 2:
        permitted = f"an even number of epochs for {whose}, which has two halves"
        raise InvalidParameterError("training.epochs", epochs, permitted, f"set it to {epochs + 1}")
    return epochs // 2


def renamed(job: FitJob, name: str) -> FitJob:
    """The same fit in a folder of another name beside it."""
    folder = job.folder.with_name(name)
    return job.model_copy(update={"name": f"{job.name.rpartition('/')[0]}/{name}", "folder": folder})


def group_folder(group: str) -> str:
    """Folder of a group's model: its name, with a digest where that holds what a folder should not."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", group).strip("-")
    digest = "" if plain == group else f"-{hashlib.sha256(group.encode()).hexdigest()[:6]}"
    return f"group-{plain}{digest}"


def _first_half(whole: FitJob, curve: Curve) -> FitJob:
    end = half_of(whole.training.epochs, f"the stages of {whole.name}")
    return whole.model_copy(update={"stage": Stage(end=end, learning_rate=curve)})


def _second_half(whole: FitJob, first: FitJob, curve: Curve) -> FitJob:
    stage = Stage(first=first.part.end, end=whole.training.epochs, learning_rate=curve)
    return whole.model_copy(update={"stage": stage, "after": first})


def _groups_with_a_model(whole: FitJob, stages: ProtectedGroupModels, groups: Groups) -> list[str]:
    trained = sorted({groups[subject_id] for subject_id in whole.training_subjects})
    if missing := [group for group in stages.groups or () if group not in trained]:
        raise InvalidCohortError(
            f"model of protected group {missing[0]!r}",
            f"no training subject in {whole.name}",
            f"groups with training subjects: {', '.join(trained)}",
            "leave it out of <strategy>.strategy.stages.groups; unknown_group there says who segments its subjects",
        )
    for one in untrained_groups(trained, groups.values()):
        logger.warning("%s: %s", whole.name, one)
    return [group for group in trained if stages.groups is None or group in stages.groups]


def untrained_groups(trained: Iterable[str], everybody: Iterable[str]) -> list[Omission]:
    """Protected groups without a model of their own, because no subject of them is trained on.

    Args:
        trained: Groups of the training subjects.
        everybody: Groups of the training and validation subjects.
    """
    groups = set(everybody)
    missing = sorted(groups - set(trained))
    reason = f"no subject to train on ({', '.join(missing)})"
    outcome = "without a model of their own"
    return [Omission("protected groups", len(missing), len(groups), reason, outcome)] if missing else []


def _group_model(whole: FitJob, shared: FitJob, curve: Curve, group: str, groups: Groups) -> FitJob:
    """Fine-tuning on one group: its own subjects, and nothing that tells groups apart."""
    training = tuple(one for one in whole.training_subjects if groups[one] == group)
    members = {one for one in (*training, *whole.validation_subjects) if groups[one] == group}
    own = {
        "training_subjects": training,
        "validation_subjects": tuple(one for one in whole.validation_subjects if one in members),
        "keys": {},
        "strata": {one: whole.strata[one] for one in training if one in whole.strata},
        "objective": SEGMENTATION,
        "rois": {one: box for one, box in whole.rois.items() if one in members},
        "serves": group,
    }
    second = _second_half(whole, shared, curve).model_copy(update=own)
    return renamed(second, group_folder(group))
