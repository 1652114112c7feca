"""Segment a folder of unlabelled scans with a trained strategy: nodes and pipeline."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core.scans import CinePredictions, PendingSubject, PredictParameters, UnlabelledScans
from faircmr.core.scans import cines as left_out
from faircmr.core.scans import cines as volume_table
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.localiser import LocaliserParameters
from faircmr.segmentation.prediction import Postprocessing
from faircmr.segmentation.training import TrainedModels


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
    from faircmr.segmentation.prediction import TrainedStrategy, segment_unlabelled

    strategy = TrainedStrategy(model, localiser_models, localiser, postprocessing, inference)
    return segment_unlabelled(unlabelled, strategy.load, strategy.fingerprint(), predict)


def tabulate_volumes(predictions: CinePredictions) -> pd.DataFrame:
    """Volumes of the structures in every frame, and the subjects that could not be predicted."""
    return volume_table.tabulate_volumes(predictions.records)


def tabulate_left_out(unlabelled: UnlabelledScans, predictions: CinePredictions) -> pd.DataFrame:
    """Files that are no short-axis images, and subjects that could not be predicted, with the reason."""
    return left_out.tabulate_left_out(unlabelled.left_out, predictions.records, unlabelled.files)


def create_pipeline() -> Pipeline:
    """Unlabelled scans -> label images at ED and ES -> volumes of every frame, and what was left out.

    The catalog's ``predict_strategy`` says which strategy: its models are read as they lie there, and
    nothing is trained.
    """
    return pipeline(
        [
            node(
                segment_scans,
                {
                    "unlabelled": "unlabelled",
                    "model": "predict.model",
                    "localiser_models": "predict.localiser",
                    "localiser": "params:localiser",
                    "postprocessing": "predict.postprocessing",
                    "inference": "params:inference",
                    "predict": "params:predict",
                },
                "predict.predictions",
                name="segment_scans",
                tags="gpu",
            ),
            node(
                tabulate_left_out,
                ["unlabelled", "predict.predictions"],
                "predict.left_out",
                name="tabulate_left_out",
                tags="cpu",
            ),
            node(tabulate_volumes, "predict.predictions", "predict.volumes", name="tabulate_volumes", tags="cpu"),
        ],
        tags="predict",
    )
