"""Subjects that a strategy predicts, and the models that segment them."""

from __future__ import annotations

import pandas as pd

from faircmr.core.study import subjects_in
from faircmr.mitigation.prediction_cohort import keys_of
from faircmr.mitigation.strategies import GroupCalibration, ProtectedGroupModels, StrategyParameters
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.localiser import rois_of
from faircmr.segmentation.prediction import PredictionTargets, Routes
from faircmr.segmentation.training import TrainedModels


def prediction_targets(
    split: str,
    prediction_cohort: pd.DataFrame,
    strategy: StrategyParameters,
    models: TrainedModels,
    inference: InferenceParameters,
) -> PredictionTargets:
    """Subjects of one split of a strategy's prediction cohort, by fold, and the models that segment them.

    Args:
        split: ``validation`` or ``test``.
        prediction_cohort: ``subject_id``, ``split``, ``key``, the edges of the heart's region, and, with
            cross-validation, ``fold``.
        strategy: Its stages determine whether groups have their own models, and which models segment other subjects.
        models: Of the strategy.
        inference: How to predict.
    """
    return PredictionTargets(
        subjects=lambda fold: subjects_in(prediction_cohort, split, fold),
        rois=lambda fold: rois_of(prediction_cohort, fold),
        routes=routes_of(strategy, prediction_cohort, models, inference),
    )


def routes_of(
    strategy: StrategyParameters, prediction_cohort: pd.DataFrame, models: TrainedModels, inference: InferenceParameters
) -> Routes:
    """Rules that assign models to subjects; same arguments as :func:`prediction_targets`."""
    keys = keys_of(prediction_cohort)
    if isinstance(strategy.stages, ProtectedGroupModels) and strategy.stages.unknown_group == "posterior":
        from faircmr.mitigation.objectives import Posterior

        return Routes(keys, Posterior(models, inference))
    return Routes(keys)


def min_subjects_to_calibrate(strategy: StrategyParameters) -> int | None:
    """Fewest labelled validation subjects of a group for its calibration; ``None`` without calibration."""
    return strategy.output.min_subjects if isinstance(strategy.output, GroupCalibration) else None
