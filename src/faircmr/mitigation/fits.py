"""A strategy as a list of fits: seed x fold, each a job of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.core.prediction import run_name
from faircmr.core.splits import TRAIN, VALIDATION, folds_of, subjects_in
from faircmr.core.work_folder import WorkFolder
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.segmentation.jobs import Component, FitJob
from faircmr.segmentation.parameters import TrainingParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.roi_table import rois_of

SAMPLERS: Mapping[str, Component] = {
    "random": Component(path="faircmr.mitigation.batch_sampling.uniform"),
    "stratified_batch_sampling": Component(path="faircmr.mitigation.batch_sampling.stratified_batch_sampling"),
}
AWARE_SAMPLERS = frozenset({"stratified_batch_sampling"})
"""Samplers that need the protected group; the group reaches no other training."""
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
        training_cohort: ``subject_id``, ``split``, ``protected_group``, heart region and perhaps ``fold``.
        fits: Seeds and folds.
        plans: Grid, patch, batch and network, the same for every fit.
        training: Schedule, the same for every fit.
        tensors: Folder of preprocessed subjects.
        work: Folder of the strategy's models, and the digest of the code that makes them.

    Returns:
        One job a seed and fold, seeds first.

    Raises:
        InvalidParameterError: A fold is asked for that there is not.
    """
    return tuple(
        FitJob(
            name=f"{run_name(seed, fold)}/{SHARED}",
            folder=work.path / run_name(seed, fold) / SHARED,
            tensors=tensors,
            training_subjects=subjects_in(training_cohort, TRAIN, fold),
            validation_subjects=subjects_in(training_cohort, VALIDATION, fold),
            keys=_keys(strategy, training_cohort, fold),
            plans=plans,
            training=training,
            sampler=SAMPLERS[strategy.sampler],
            rois=rois_of(training_cohort, fold),
            seed=seed,
            fold=fold,
            code=work.code,
        )
        for seed in fits.training_seeds
        for fold in chosen_folds(training_cohort, fits)
    )


def _keys(strategy: StrategyParameters, training_cohort: pd.DataFrame, fold: int | None) -> dict[str, str]:
    if strategy.sampler not in AWARE_SAMPLERS:
        return {}
    groups = dict(zip(training_cohort["subject_id"], training_cohort["protected_group"], strict=True))
    return {subject_id: str(groups[subject_id]) for subject_id in subjects_in(training_cohort, TRAIN, fold)}


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
