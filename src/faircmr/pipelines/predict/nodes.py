"""Nodes of prediction: label images and volumes of scans that nobody has labelled."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from faircmr.core import left_out, volume_table
from faircmr.core.cine import UnlabelledScans
from faircmr.core.cine_prediction import CinePredictions, PendingSubject, PredictParameters
from faircmr.segmentation.localisation import LocaliserParameters
from faircmr.segmentation.models import TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.postprocessing import Postprocessing


def segment_scans(
    unlabelled: UnlabelledScans,
    model: TrainedModels,
    localiser_models: TrainedModels,
    localiser: LocaliserParameters,
    postprocessing: Postprocessing,
    inference: InferenceParameters,
    predict: PredictParameters,
) -> Iterable[PendingSubject]:
    """Segment every frame by all fits of the strategy together; subjects are segmented as they are saved."""
    from faircmr.segmentation.trained_strategy import TrainedStrategy
    from faircmr.segmentation.unlabelled import segment_unlabelled

    strategy = TrainedStrategy(model, localiser_models, localiser, postprocessing, inference)
    return segment_unlabelled(unlabelled, strategy.load, strategy.fingerprint(), predict)


def tabulate_volumes(predictions: CinePredictions) -> pd.DataFrame:
    """Volumes of the structures in every frame, and the subjects that could not be predicted."""
    return volume_table.tabulate_volumes(predictions.records)


def tabulate_left_out(unlabelled: UnlabelledScans, predictions: CinePredictions) -> pd.DataFrame:
    """Files that are no short-axis images, and subjects that could not be predicted, with the reason."""
    return left_out.tabulate_left_out(unlabelled.left_out, predictions.records, unlabelled.files)
