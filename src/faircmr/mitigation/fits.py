"""Fits of a strategy: one job for each training seed, fold and stage."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from faircmr.core import InvalidCohortError, InvalidParameterError, Omission, text_digest
from faircmr.core.host import WorkFolder
from faircmr.core.scans import run_name
from faircmr.core.study import TRAIN, VALIDATION, folds_of, subjects_in
from faircmr.mitigation.objectives import checked_groups, reweighing_weights
from faircmr.mitigation.sampling import strata
from faircmr.mitigation.strategies import (
    FairMetaLearning,
    FitsParameters,
    GroupDro,
    OneStage,
    ProtectedGroupModels,
    Reweighing,
    SegmentationAlone,
    StrategyParameters,
    StratifiedBatchSampling,
    TwoStages,
)
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import rois_of
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import SEGMENTATION_OBJECTIVE, Component, Curve, FitJob, Stage

REWEIGHING = "faircmr.mitigation.objectives.reweighing.ReweighingObjective"
GROUP_DRO = "faircmr.mitigation.objectives.group_dro.GroupDroObjective"
FAIR_META_LEARNING = "faircmr.mitigation.objectives.meta_learning.FairMetaLearningObjective"


def objective_component(
    choice: SegmentationAlone | Reweighing | GroupDro | FairMetaLearning, groups: Sequence[str], joint_from: int
) -> Component:
    """Objective module of a strategy and its parameters, as values of JSON.

    Args:
        choice: Objective of the strategy.
        groups: Protected group of each training subject of the fit; the order does not matter.
        joint_from: Step from which fair meta-learning trains both networks jointly.

    Raises:
        InvalidParameterError: Fair meta-learning has fewer than two groups to classify.
    """
    names = sorted(set(groups))
    match choice:
        case SegmentationAlone():
            return SEGMENTATION_OBJECTIVE
        case Reweighing():
            return Component(path=REWEIGHING, parameters={"weights": reweighing_weights(groups)})
        case GroupDro():
            return Component(path=GROUP_DRO, parameters={"groups": names, "step_size": choice.step_size})
        case FairMetaLearning():
            settings = choice.model_dump(mode="json", exclude={"kind"})
            classified = list(checked_groups(names, least=2))
            return Component(
                path=FAIR_META_LEARNING, parameters={"groups": classified, "joint_from": joint_from, **settings}
            )


FIRST_STAGE = "first"
"""Folder of a fit that predicts no subject: other fits start from its weights."""
Groups = Mapping[str, str]
"""Protected group of each subject, by study key."""

logger = logging.getLogger(__name__)


def split_into_stages(
    whole: FitJob, stages: OneStage | TwoStages | ProtectedGroupModels, groups: Groups
) -> tuple[FitJob, ...]:
    """Split a fit over the whole schedule into the stages of a strategy.

    Args:
        whole: The fit of a strategy with one stage; it serves all subjects.
        stages: Stages of the strategy.
        groups: Of all its subjects.

    Returns:
        All fits; each comes after the fit that it starts from.

    Raises:
        InvalidParameterError: The number of epochs is odd.
        InvalidCohortError: A group that must have a model has no training subject.
    """
    if isinstance(stages, OneStage):
        return (whole,)
    if isinstance(stages, TwoStages):
        first = _first_half(whole, stages.learning_rate).model_copy(update={"predicts": False})
        first = rename_fit(first, FIRST_STAGE)
        return first, _second_half(whole, first, stages.learning_rate)
    shared = _first_half(whole, stages.learning_rate)
    chosen = _groups_with_a_model(whole, stages, groups)
    return shared, *(_group_model(whole, shared, stages.learning_rate, group, groups) for group in chosen)


def half_of(epochs: int, owner: str) -> int:
    """Half of a number of epochs.

    Raises:
        InvalidParameterError: It is odd.
    """
    if epochs % 2:
        permitted = f"an even number, to be halved for {owner}"
        raise InvalidParameterError("training.epochs", epochs, permitted, f"set it to {epochs + 1}")
    return epochs // 2


def rename_fit(job: FitJob, name: str) -> FitJob:
    """The same fit under another name, in a sibling folder."""
    folder = job.folder.with_name(name)
    return job.model_copy(update={"name": f"{job.name.rpartition('/')[0]}/{name}", "folder": folder})


def group_folder(group: str) -> str:
    """Folder name of a group's model; with a digest if the group has characters that are not used in folder names."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", group).strip("-")
    digest = "" if plain == group else f"-{text_digest(group, 6)}"
    return f"group-{plain}{digest}"


def _first_half(whole: FitJob, curve: Curve) -> FitJob:
    end = half_of(whole.training.epochs, f"the stages of {whole.name}")
    return whole.model_copy(update={"stage": Stage(end=end, learning_rate=curve)})


def _second_half(whole: FitJob, first: FitJob, curve: Curve) -> FitJob:
    stage = Stage(first=first.effective_stage.end, end=whole.training.epochs, learning_rate=curve)
    return whole.model_copy(update={"stage": stage, "after": first})


def _groups_with_a_model(whole: FitJob, stages: ProtectedGroupModels, groups: Groups) -> list[str]:
    trained = sorted({groups[subject_id] for subject_id in whole.training_subjects})
    if missing := [group for group in stages.groups or () if group not in trained]:
        raise InvalidCohortError(
            f"model of protected group {missing[0]!r}",
            f"no training subject in {whole.name}",
            f"groups with training subjects: {', '.join(trained)}",
            "leave it out of <strategy>.strategy.stages.groups; unknown_group there sets the model for its subjects",
        )
    for one in untrained_groups(trained, groups.values()):
        logger.warning("%s: %s", whole.name, one)
    return [group for group in trained if stages.groups is None or group in stages.groups]


def untrained_groups(trained: Iterable[str], known: Iterable[str]) -> list[Omission]:
    """Omission for protected groups without a model of their own, because they have no training subject.

    Args:
        trained: Groups of the training subjects.
        known: Groups of the training and validation subjects.
    """
    groups = set(known)
    missing = sorted(groups - set(trained))
    reason = f"no subject to train on ({', '.join(missing)})"
    outcome = "without a model of their own"
    return [Omission("protected groups", len(missing), len(groups), reason, outcome)] if missing else []


def _group_model(whole: FitJob, shared: FitJob, curve: Curve, group: str, groups: Groups) -> FitJob:
    """Fine-tuning on one group: only its subjects, with the objective that does not use groups."""
    training = tuple(one for one in whole.training_subjects if groups[one] == group)
    members = {one for one in (*training, *whole.validation_subjects) if groups[one] == group}
    group_fields = {
        "training_subjects": training,
        "validation_subjects": tuple(one for one in whole.validation_subjects if one in members),
        "keys": {},
        "strata": {one: whole.strata[one] for one in training if one in whole.strata},
        "objective": SEGMENTATION_OBJECTIVE,
        "rois": {one: box for one, box in whole.rois.items() if one in members},
        "serves": group,
    }
    second = _second_half(whole, shared, curve).model_copy(update=group_fields)
    return rename_fit(second, group_folder(group))


SAMPLERS: Mapping[str, Component] = {
    "random": Component(path="faircmr.mitigation.sampling.uniform"),
    "stratified_batch_sampling": Component(path="faircmr.mitigation.sampling.stratified_batch_sampling"),
}
SHARED = "shared"
"""Folder of the model that serves all protected groups."""


def list_fits(
    strategy: StrategyParameters,
    training_cohort: pd.DataFrame,
    fits: FitsParameters,
    plans: Plans,
    training: TrainingParameters,
    tensors: Path,
    work: WorkFolder,
) -> tuple[FitJob, ...]:
    """List all fits of a strategy.

    Args:
        strategy: Parameters of the strategy.
        training_cohort: ``subject_id``, ``split``, ``protected_group``, heart region, the attributes that the
            strategy's sampler stratifies by, and, with cross-validation, ``fold``.
        fits: Seeds and folds.
        plans: Grid, patch, batch and network, the same for every fit.
        training: Schedule, the same for every fit.
        tensors: Folder of preprocessed subjects.
        work: Folder of the strategy's models, and the digest of the code that makes them.

    Returns:
        One job for each seed, fold and stage, sorted by seed first; a stage comes after the one that it starts from.

    Raises:
        InvalidParameterError: A requested fold does not exist, the number of epochs is odd and must be halved, or the
            objective does not support these groups.
        InvalidCohortError: A group that must have a model has no training subject, or values of an
            attribute to stratify by are missing.
    """
    common = {
        "tensors": tensors,
        "plans": plans,
        "training": training,
        "sampler": SAMPLERS[strategy.sampler.kind],
        "code": work.code,
    }
    return tuple(
        job
        for seed in fits.training_seeds
        for fold in chosen_folds(training_cohort, fits)
        for job in _fits_of_fold(
            strategy,
            _fold_rows(training_cohort, fold),
            work.path / run_name(seed, fold),
            {**common, "seed": seed, "fold": fold},
        )
    )


def chosen_folds(splits: pd.DataFrame, fits: FitsParameters) -> tuple[int | None, ...]:
    """Folds to run; ``(None,)`` without cross-validation.

    Raises:
        InvalidParameterError: A requested fold does not exist.
    """
    known = folds_of(splits)
    if fits.folds is None:
        return known
    for fold in fits.folds:
        if fold not in known:
            existing = ", ".join(str(one) for one in known if one is not None) or "none (no cross-validation)"
            raise InvalidParameterError("fits.folds", fold, f"folds of the splits: {existing}", "name folds that exist")
    return fits.folds


def _fold_rows(training_cohort: pd.DataFrame, fold: int | None) -> pd.DataFrame:
    return training_cohort if fold is None else training_cohort[training_cohort["fold"] == fold]


def _fits_of_fold(
    strategy: StrategyParameters, cohort: pd.DataFrame, folder: Path, common: dict[str, Any]
) -> tuple[FitJob, ...]:
    """Fits of one seed and fold."""
    groups = dict(zip(cohort["subject_id"], cohort["protected_group"].astype(str), strict=True))
    members = subjects_in(cohort, TRAIN, common["fold"])
    member_groups = {one: groups[one] for one in members}
    sampling_strata = (
        strata(cohort, strategy.sampler.within) if isinstance(strategy.sampler, StratifiedBatchSampling) else {}
    )
    joint_from = _joint_from(strategy, common["training"])
    whole = FitJob(
        name=f"{folder.name}/{SHARED}",
        folder=folder / SHARED,
        training_subjects=members,
        validation_subjects=subjects_in(cohort, VALIDATION, common["fold"]),
        keys=member_groups if strategy.objective.group_aware else {},
        strata={one: sampling_strata[one] for one in members} if sampling_strata else {},
        objective=objective_component(strategy.objective, tuple(member_groups.values()), joint_from),
        rois=rois_of(cohort, common["fold"]),
        **common,
    )
    return split_into_stages(whole, strategy.stages, groups)


def _joint_from(strategy: StrategyParameters, training: TrainingParameters) -> int:
    """First step of joint training with the classifier: the middle of the stage; 0 without a classifier."""
    if not isinstance(strategy.objective, FairMetaLearning):
        return 0
    epochs = training.epochs
    if isinstance(strategy.stages, ProtectedGroupModels):
        epochs = half_of(epochs, f"the stages of {strategy.name}")
    return half_of(epochs, f"the objective of {strategy.name}") * training.iterations_per_epoch
