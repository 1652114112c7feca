"""A strategy as a list of fits: seed x fold x stage, each a job of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.core.prediction import run_name
from faircmr.core.splits import TRAIN, VALIDATION, folds_of, subjects_in
from faircmr.core.work_folder import WorkFolder
from faircmr.mitigation.choices import FairMetaLearning, ProtectedGroupModels, StratifiedBatchSampling
from faircmr.mitigation.objectives import objective_of
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.mitigation.stages import half_of, staged
from faircmr.mitigation.strata import strata
from faircmr.segmentation.jobs import Component, FitJob
from faircmr.segmentation.parameters import TrainingParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.roi_table import rois_of

SAMPLERS: Mapping[str, Component] = {
    "random": Component(path="faircmr.mitigation.batch_sampling.uniform"),
    "stratified_batch_sampling": Component(path="faircmr.mitigation.batch_sampling.stratified_batch_sampling"),
}
SHARED = "shared"
"""Folder of the model that serves every protected group."""


def list_fits(
    strategy: StrategyParameters,
    training_cohort: pd.DataFrame,
    fits: FitsParameters,
    plans: Plans,
    training: TrainingParameters,
    tensors: Path,
    work: WorkFolder,
) -> tuple[FitJob, ...]:
    """Every fit of a strategy.

    Args:
        strategy: The choices that make the strategy.
        training_cohort: ``subject_id``, ``split``, ``protected_group``, heart region, the attributes that the
            strategy's sampler stratifies within, and perhaps ``fold``.
        fits: Seeds and folds.
        plans: Grid, patch, batch and network, the same for every fit.
        training: Schedule, the same for every fit.
        tensors: Folder of preprocessed subjects.
        work: Folder of the strategy's models, and the digest of the code that makes them.

    Returns:
        One job a seed, fold and stage, seeds first; a stage comes after the one that it begins with.

    Raises:
        InvalidParameterError: A fold is asked for that there is not, a schedule has no two halves, or an
            objective cannot be made for these groups.
        InvalidCohortError: A group that is to have a model has nobody to train on, or an attribute to
            stratify by is missing.
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
        for job in _fits_of(
            strategy,
            _of_fold(training_cohort, fold),
            work.path / run_name(seed, fold),
            {**common, "seed": seed, "fold": fold},
        )
    )


def chosen_folds(splits: pd.DataFrame, fits: FitsParameters) -> tuple[int | None, ...]:
    """Folds to run; ``(None,)`` without cross-validation.

    Raises:
        InvalidParameterError: A fold is asked for that there is not.
    """
    known = folds_of(splits)
    if fits.folds is None:
        return known
    for fold in fits.folds:
        if fold not in known:
            have = ", ".join(str(one) for one in known if one is not None) or "none (no cross-validation)"
            raise InvalidParameterError("fits.folds", fold, f"folds of the splits: {have}", "name folds that exist")
    return fits.folds


def _of_fold(training_cohort: pd.DataFrame, fold: int | None) -> pd.DataFrame:
    return training_cohort if fold is None else training_cohort[training_cohort["fold"] == fold]


def _fits_of(
    strategy: StrategyParameters, cohort: pd.DataFrame, folder: Path, common: dict[str, Any]
) -> tuple[FitJob, ...]:
    """Fits of one seed and fold."""
    groups = dict(zip(cohort["subject_id"], cohort["protected_group"].astype(str), strict=True))
    members = subjects_in(cohort, TRAIN, common["fold"])
    known = {one: groups[one] for one in members}
    layers = strata(cohort, strategy.sampler.within) if isinstance(strategy.sampler, StratifiedBatchSampling) else {}
    joint_from = _joint_from(strategy, common["training"])
    whole = FitJob(
        name=f"{folder.name}/{SHARED}",
        folder=folder / SHARED,
        training_subjects=members,
        validation_subjects=subjects_in(cohort, VALIDATION, common["fold"]),
        keys=known if strategy.objective.group_aware else {},
        strata={one: layers[one] for one in members} if layers else {},
        objective=objective_of(strategy.objective, tuple(known.values()), joint_from),
        rois=rois_of(cohort, common["fold"]),
        **common,
    )
    return staged(whole, strategy.stages, groups)


def _joint_from(strategy: StrategyParameters, training: TrainingParameters) -> int:
    """Step from which a classifier is trained jointly: the middle of the stage that it is trained in."""
    if not isinstance(strategy.objective, FairMetaLearning):
        return 0
    epochs = training.epochs
    if isinstance(strategy.stages, ProtectedGroupModels):
        epochs = half_of(epochs, f"the stages of {strategy.name}")
    return half_of(epochs, f"the objective of {strategy.name}") * training.iterations_per_epoch
