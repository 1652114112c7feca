"""Nodes that report the classifier of fair meta-learning; they do nothing for strategies without one."""

from __future__ import annotations

import pandas as pd

from faircmr.core.splits import TRAIN
from faircmr.mitigation.parameters import StrategyParameters
from faircmr.segmentation.models import TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.tensors import TensorStore


def classify_groups(
    model: TrainedModels,
    tensors: TensorStore,
    prediction_cohort: pd.DataFrame,
    subjects: pd.DataFrame,
    strategy: StrategyParameters,
    inference: InferenceParameters,
) -> pd.DataFrame:
    """Protected group of every test subject as the classifiers see it, slice by slice."""
    if strategy.objective.kind != "fair_meta_learning":
        return pd.DataFrame()
    from faircmr.mitigation.classified_subjects import classify_subjects

    return classify_subjects(model, tensors, prediction_cohort, subjects, inference)


def score_classifier(group_predictions: pd.DataFrame, training_cohort: pd.DataFrame) -> pd.DataFrame:
    """Accuracy, precision and recall of each seed's classifier."""
    from faircmr.fairness.classification import reports_by_seed

    trained = training_cohort.loc[training_cohort["split"] == TRAIN, "protected_group"]
    return reports_by_seed(group_predictions, str(trained.mode().iloc[0]))
