"""Which models of a strategy segment whom."""

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
    """The subjects of one part of a strategy's prediction cohort, fold by fold, and by whom they are segmented.

    Args:
        split: ``validation`` or ``test``.
        prediction_cohort: ``subject_id``, ``split``, ``key``, the edges of the heart's region, and perhaps ``fold``.
        strategy: Its stages say whether groups have models of their own, and who serves everybody else.
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
    """How subjects find their models; arguments as for :func:`prediction_targets`."""
    keys = keys_of(prediction_cohort)
    if isinstance(strategy.stages, ProtectedGroupModels) and strategy.stages.unknown_group == "posterior":
        from faircmr.mitigation.objectives import Posterior

        return Routes(keys, Posterior(models, inference))
    return Routes(keys)


def min_subjects_to_calibrate(strategy: StrategyParameters) -> int | None:
    """Labelled validation subjects by which a group's probabilities are adjusted; none are without it."""
    return strategy.output.min_subjects if isinstance(strategy.output, GroupCalibration) else None
