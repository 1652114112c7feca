"""Nodes of training: cohort selection, fits, predictions, scores and Table 1 of one strategy."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.core.digests import digest_of_parameters, digest_of_table
from faircmr.core.prediction import Prediction, Predictions
from faircmr.core.splits import TEST, subjects_in
from faircmr.core.subject_index import AttributeParameters
from faircmr.core.work_folder import WorkFolder
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.segmentation.models import TrainedModels
from faircmr.segmentation.parameters import InferenceParameters, TrainingParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.tensors import TensorStore


def identify_study(
    scans: pd.DataFrame,
    splits: pd.DataFrame,
    plans: Plans,
    training: TrainingParameters,
    inference: InferenceParameters,
) -> str:
    """Digest, part by part, what all strategies must share to stand in one table."""
    from faircmr.fairness.study_key import compose_study_key

    return compose_study_key(
        {
            "cohort": digest_of_table(scans),
            "splits": digest_of_table(splits),
            "plans": digest_of_parameters(plans),
            "training": digest_of_parameters(training),
            "inference": digest_of_parameters(inference),
        }
    )


def select_training_cohort(subjects: pd.DataFrame, splits: pd.DataFrame, strategy: StrategyParameters) -> pd.DataFrame:
    """The subjects that this strategy trains and validates on, with their protected group."""
    from faircmr.mitigation import cohort_selection

    return cohort_selection.select_training_cohort(splits, subjects, strategy)


def train(
    training_cohort: pd.DataFrame,
    tensors: TensorStore,
    plans: Plans,
    strategy: StrategyParameters,
    training: TrainingParameters,
    fits: FitsParameters,
    work: WorkFolder,
) -> TrainedModels:
    """Run every fit of the strategy, one after the other; a finished fit is not run again."""
    from faircmr.mitigation.fits import list_fits
    from faircmr.reporting.progress import training_progress
    from faircmr.segmentation.training import fit

    jobs = list_fits(strategy, training_cohort, fits, plans, training, tensors.folder, work)
    records = []
    for job in jobs:
        with training_progress(f"{strategy.name} {job.name}") as on_epoch:
            records.append(fit(job, on_epoch))
    return TrainedModels(folder=work.path, fits=tuple(records))


def predict(
    model: TrainedModels, tensors: TensorStore, cohort: Cohort, splits: pd.DataFrame, inference: InferenceParameters
) -> Iterable[Prediction]:
    """Segment the test subjects of every fit on the source's own grid, as they are saved."""
    from faircmr.segmentation.prediction import predict_fits

    return predict_fits(
        model,
        tensors,
        tested=lambda record: subjects_in(splits, TEST, record.fold),
        geometry=lambda subject_id, phase: cohort.read(subject_id, phase).geometry,
        inference=inference,
    )


def score(predictions: Predictions, cohort: Cohort, strategy: StrategyParameters, study_key: str) -> pd.DataFrame:
    """Compare every prediction with the label drawn on the same scan."""
    from faircmr.fairness.predictions import score_predictions

    return score_predictions(predictions, cohort, strategy.name, study_key)


def tabulate_strategy(scores: pd.DataFrame, subjects: pd.DataFrame, attributes: AttributeParameters) -> pd.DataFrame:
    """Table 1 of this strategy."""
    from faircmr.fairness.disaggregate import table1

    return table1(scores, subjects, attributes.reported)
