"""Nodes of training: cohort selection, fits, predictions, scores and Table 1 of one strategy."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.core.digests import digest_of_parameters, digest_of_table
from faircmr.core.prediction import Prediction, Predictions
from faircmr.core.splits import TEST, VALIDATION
from faircmr.core.subject_index import AttributeParameters
from faircmr.core.work_folder import WorkFolder
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.segmentation.localisation import LocaliserParameters, LocaliserPlans
from faircmr.segmentation.models import TrainedModels
from faircmr.segmentation.parameters import InferenceParameters, TrainingParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.postprocessing import Postprocessing
from faircmr.segmentation.tensors import TensorStore


def identify_study(
    scans: pd.DataFrame,
    splits: pd.DataFrame,
    plans: Plans,
    training: TrainingParameters,
    inference: InferenceParameters,
    localiser_plans: LocaliserPlans,
    localiser: LocaliserParameters,
) -> str:
    """Digest, part by part, what all strategies must share to stand in one table."""
    from faircmr.fairness.study_key import compose_study_key

    return compose_study_key(
        {
            "cohort": digest_of_table(scans),
            "splits": digest_of_table(splits),
            "plans": digest_of_parameters(plans),
            # on how many devices a fit is made is no property of the study (docs/decisions/0008)
            "training": digest_of_parameters(training.model_copy(update={"devices": 1})),
            "inference": digest_of_parameters(inference),
            "localiser_plans": digest_of_parameters(localiser_plans),
            "localiser": digest_of_parameters(localiser),
        }
    )


def select_training_cohort(
    subjects: pd.DataFrame, splits: pd.DataFrame, rois: pd.DataFrame, strategy: StrategyParameters
) -> pd.DataFrame:
    """The subjects that this strategy trains and validates on, with their protected group and heart region."""
    from faircmr.mitigation import cohort_selection
    from faircmr.segmentation.roi_table import with_rois

    return with_rois(cohort_selection.select_training_cohort(splits, subjects, strategy), rois)


def train(
    training_cohort: pd.DataFrame,
    tensors: TensorStore,
    plans: Plans,
    strategy: StrategyParameters,
    training: TrainingParameters,
    fits: FitsParameters,
    work: WorkFolder,
) -> TrainedModels:
    """Run every fit of the strategy."""
    from faircmr.mitigation.fits import list_fits
    from faircmr.pipelines.training.fitting import run_fits

    jobs = list_fits(strategy, training_cohort, fits, plans, training, tensors.folder, work)
    return TrainedModels(folder=work.path, fits=run_fits(strategy.name, jobs))


def select_prediction_cohort(
    training_cohort: pd.DataFrame,
    splits: pd.DataFrame,
    subjects: pd.DataFrame,
    rois: pd.DataFrame,
    strategy: StrategyParameters,
) -> pd.DataFrame:
    """Whom this strategy predicts, with their heart region, and their group where its predictions need it."""
    from faircmr.mitigation import prediction_cohort
    from faircmr.segmentation.roi_table import with_rois

    chosen = prediction_cohort.select_prediction_cohort(training_cohort, splits, subjects, strategy)
    return with_rois(chosen, rois)


def choose_postprocessing(
    model: TrainedModels,
    tensors: TensorStore,
    cohort: Cohort,
    plans: Plans,
    prediction_cohort: pd.DataFrame,
    strategy: StrategyParameters,
    inference: InferenceParameters,
) -> Postprocessing:
    """Decide on validation subjects alone, before any test subject is predicted, what is done to predictions."""
    from faircmr.mitigation.routes import fewest_to_calibrate, whom
    from faircmr.segmentation import decisions

    validated = whom(VALIDATION, prediction_cohort, strategy, model, inference)
    fewest = fewest_to_calibrate(strategy)
    return decisions.choose_postprocessing(model, tensors, validated, cohort.read, plans.structures, inference, fewest)


def predict(
    model: TrainedModels,
    tensors: TensorStore,
    cohort: Cohort,
    prediction_cohort: pd.DataFrame,
    postprocessing: Postprocessing,
    strategy: StrategyParameters,
    inference: InferenceParameters,
) -> Iterable[Prediction]:
    """Segment the test subjects of every fold on the source's own grid, as they are saved."""
    from faircmr.mitigation.routes import whom
    from faircmr.segmentation.prediction import predict_fits

    return predict_fits(
        model,
        tensors,
        tested=whom(TEST, prediction_cohort, strategy, model, inference),
        geometry=lambda subject_id, phase: cohort.read(subject_id, phase).geometry,
        inference=inference,
        postprocessing=postprocessing,
    )


def score(
    predictions: Predictions, cohort: Cohort, plans: Plans, strategy: StrategyParameters, study_key: str
) -> pd.DataFrame:
    """Compare every prediction with the label drawn on the same scan."""
    from faircmr.fairness.predictions import score_predictions

    return score_predictions(predictions, cohort, plans.structures, strategy.name, study_key)


def list_omissions(predictions: Predictions, strategy: StrategyParameters, **tables: pd.DataFrame) -> pd.DataFrame:
    """Count the subjects and scans that this strategy left out or treated differently."""
    from faircmr.mitigation.strategy_omissions import StrategyTables, strategy_omissions

    return strategy_omissions(StrategyTables(**tables), predictions, strategy)


def tabulate_strategy(scores: pd.DataFrame, subjects: pd.DataFrame, attributes: AttributeParameters) -> pd.DataFrame:
    """Table 1 of this strategy."""
    from faircmr.fairness.disaggregate import table1

    return table1(scores, subjects, attributes.reported)
