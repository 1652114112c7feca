"""Which models of a strategy segment whom."""

from __future__ import annotations

import pandas as pd

from faircmr.mitigation.choices import ProtectedGroupModels
from faircmr.mitigation.parameters import StrategyParameters
from faircmr.mitigation.prediction_cohort import keys_of
from faircmr.segmentation.models import TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.routing import Routes


def routes_of(
    strategy: StrategyParameters, prediction_cohort: pd.DataFrame, models: TrainedModels, inference: InferenceParameters
) -> Routes:
    """How the subjects of a strategy find their models.

    Args:
        strategy: Its stages say whether groups have models of their own, and who serves everybody else.
        prediction_cohort: ``subject_id`` and ``key``.
        models: Of the strategy.
        inference: How to predict.
    """
    keys = keys_of(prediction_cohort)
    if isinstance(strategy.stages, ProtectedGroupModels) and strategy.stages.unknown_group == "posterior":
        from faircmr.mitigation.posterior import Posterior

        return Routes(keys, Posterior(models, inference))
    return Routes(keys)
