"""The training pipeline of one strategy, from cohort to Table 1: nodes, and a template instantiated by name.

A module of its own: what a node imports counts as its code, and a localiser does not depend on scoring.
Where fits are made is no part of it, and is told by whoever runs the node: :func:`fits_mapped_by`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core import digest_of_parameters, digest_of_table
from faircmr.core.host import WorkFolder
from faircmr.core.scans import Cohort, Prediction, Predictions
from faircmr.core.study import TEST, TRAIN, VALIDATION, AttributeParameters
from faircmr.mitigation import FitsParameters, StrategyParameters
from faircmr.segmentation import InferenceParameters, TrainingParameters
from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.localiser import LocaliserParameters, LocaliserPlans
from faircmr.segmentation.network import Plans
from faircmr.segmentation.prediction import Postprocessing
from faircmr.segmentation.training import FitJob, FitRecord, TrainedModels

Train = Callable[..., FitRecord]
"""Trains one network: ``(job, on_epoch) -> record``, in this process or in others."""
Fit = Callable[[FitJob, Train], FitRecord]
"""Makes one fit with its progress shown, trained as it is told."""
MapFits = Callable[[Fit, Sequence[FitJob]], Sequence[FitRecord]]
"""Makes every fit, wherever; a fit that begins with another one comes after it. Records in the order of the jobs."""


def run_fits(what: str, jobs: Sequence[FitJob]) -> tuple[FitRecord, ...]:
    """Run every fit; a finished fit is not run again.

    Args:
        what: Whose fits they are, to be shown.
        jobs: A fit that begins with another one stands after it.

    Returns:
        Their records, in the order of the jobs.
    """
    records = _map_fits.get()(partial(fit_shown, what), jobs)
    # the subjects that a fit predicts have no part in its weights, and may have changed since it was finished
    return tuple(
        record.model_copy(update={"serves": job.serves, "predicts": job.predicts})
        for job, record in zip(jobs, records, strict=True)
    )


def fit_shown(what: str, job: FitJob, train: Train) -> FitRecord:
    """Make one fit with its progress shown."""
    from faircmr.reporting import training_progress

    with training_progress(f"{what} {job.name}") as on_epoch:
        return train(job, on_epoch)


def one_after_the_other(fit: Fit, jobs: Sequence[FitJob]) -> list[FitRecord]:
    """Make fits here, in turn."""
    from faircmr.segmentation.training import fit_on_devices

    return [fit(job, fit_on_devices) for job in jobs]


_map_fits: ContextVar[MapFits] = ContextVar("map_fits", default=one_after_the_other)


@contextmanager
def fits_mapped_by(map_fits: MapFits) -> Iterator[None]:
    """Let nodes that run inside the block, in this thread, make their fits in another way."""
    token = _map_fits.set(map_fits)
    try:
        yield
    finally:
        _map_fits.reset(token)


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
    from faircmr.fairness.tables import compose_study_key

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
    from faircmr.mitigation import cohorts as cohort_selection
    from faircmr.segmentation.localiser import with_rois

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
    from faircmr.mitigation import list_fits

    jobs = list_fits(strategy, training_cohort, fits, plans, training, tensors.folder, work)
    return TrainedModels(folder=work.path, fits=run_fits(strategy.name, jobs))


def select_prediction_cohort(
    training_cohort: pd.DataFrame,
    splits: pd.DataFrame,
    subjects: pd.DataFrame,
    rois: pd.DataFrame,
    strategy: StrategyParameters,
) -> pd.DataFrame:
    """The subjects that this strategy predicts, with heart region, and with group if its predictions need it."""
    from faircmr.mitigation import prediction_cohort
    from faircmr.segmentation.localiser import with_rois

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
    from faircmr.mitigation import min_subjects_to_calibrate, prediction_targets
    from faircmr.segmentation.prediction import decisions

    validated = prediction_targets(VALIDATION, prediction_cohort, strategy, model, inference)
    fewest = min_subjects_to_calibrate(strategy)
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
    from faircmr.mitigation import prediction_targets
    from faircmr.segmentation.prediction import predict_fits

    return predict_fits(
        model,
        tensors,
        tested=prediction_targets(TEST, prediction_cohort, strategy, model, inference),
        geometry=lambda subject_id, phase: cohort.read(subject_id, phase).geometry,
        inference=inference,
        postprocessing=postprocessing,
    )


def score(
    predictions: Predictions, cohort: Cohort, plans: Plans, strategy: StrategyParameters, study_key: str
) -> pd.DataFrame:
    """Compare every prediction with the label drawn on the same scan."""
    from faircmr.fairness.metrics import score_predictions

    return score_predictions(predictions, cohort, plans.structures, strategy.name, study_key)


def list_omissions(predictions: Predictions, strategy: StrategyParameters, **tables: pd.DataFrame) -> pd.DataFrame:
    """Count the subjects and scans that this strategy left out or treated differently."""
    from faircmr.mitigation import StrategyTables, strategy_omissions

    return strategy_omissions(StrategyTables(**tables), predictions, strategy)


def tabulate_strategy(scores: pd.DataFrame, subjects: pd.DataFrame, attributes: AttributeParameters) -> pd.DataFrame:
    """Table 1 of this strategy."""
    from faircmr.fairness.tables import table1

    return table1(scores, subjects, attributes.reported)


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
    from faircmr.mitigation.objectives import classify_subjects

    return classify_subjects(model, tensors, prediction_cohort, subjects, inference)


def score_classifier(group_predictions: pd.DataFrame, training_cohort: pd.DataFrame) -> pd.DataFrame:
    """Accuracy, precision and recall of each seed's classifier."""
    from faircmr.fairness.metrics import reports_by_seed

    trained = training_cohort.loc[training_cohort["split"] == TRAIN, "protected_group"]
    return reports_by_seed(group_predictions, str(trained.mode().iloc[0]))


def plan_localiser(
    scans: pd.DataFrame,
    splits: pd.DataFrame,
    plans: Plans,
    training: TrainingParameters,
    localiser: LocaliserParameters,
) -> LocaliserPlans:
    """Choose the localisers' network from the scans that training may see."""
    from faircmr.segmentation.localiser import parameters as localisation

    seen = splits.loc[splits["split"].isin([TRAIN, VALIDATION]), "subject_id"]
    return localisation.plan_localiser(scans[scans["subject_id"].isin(seen)], plans, training, localiser)


def train_localiser(
    splits: pd.DataFrame,
    tensors: TensorStore,
    localiser_plans: LocaliserPlans,
    strategy: StrategyParameters,
    fits: FitsParameters,
    work: WorkFolder,
) -> TrainedModels:
    """Train a localiser a fold, once for all strategies that use it."""
    from faircmr.mitigation import list_localisers

    jobs = list_localisers(strategy, splits, fits, localiser_plans, tensors.folder, work)
    return TrainedModels(folder=work.path, fits=run_fits("localiser", jobs))


def locate_hearts(
    localiser_models: TrainedModels,
    tensors: TensorStore,
    splits: pd.DataFrame,
    plans: Plans,
    localiser: LocaliserParameters,
    training: TrainingParameters,
) -> pd.DataFrame:
    """Find the heart of everybody who is trained, validated or tested."""
    if not localiser_models.fits:
        from faircmr.segmentation.localiser import roi_table

        return roi_table([])
    from faircmr.segmentation.localiser import localiser_inference
    from faircmr.segmentation.localiser import locate_hearts as locate

    everybody = tuple(splits.loc[splits["split"].isin([TRAIN, VALIDATION, TEST]), "subject_id"].drop_duplicates())
    return locate(localiser_models, tensors, lambda _: everybody, plans, localiser, localiser_inference(training))


def score_localiser(
    rois: pd.DataFrame, splits: pd.DataFrame, tensors: TensorStore, plans: Plans, subjects: pd.DataFrame
) -> pd.DataFrame:
    """Errors of the localiser by protected group."""
    from faircmr.fairness.metrics import localiser_table
    from faircmr.segmentation.localiser import score_rois

    return localiser_table(score_rois(rois, splits, tensors, plans), subjects)


SHARED = {"subjects", "scans", "splits", "plans", "localiser_plans", "tensors", "cohort", "study_key"}
"""What every strategy reads alike: it stays outside the strategy's namespace."""
COMMON = {"training", "inference", "fits", "localiser", "attributes"}
"""Parameters outside the namespace, so that no two strategies can be trained differently."""


def create_identity_pipeline() -> Pipeline:
    """What all strategies share: the study's key, and the localisers' plans, which are a part of it."""
    identity = node(
        identify_study,
        ["scans", "splits", "plans", "params:training", "params:inference", "localiser_plans", "params:localiser"],
        "study_key",
        name="identify_study",
        tags=["training", "cpu"],
    )
    plans = node(
        plan_localiser,
        ["scans", "splits", "plans", "params:training", "params:localiser"],
        "localiser_plans",
        name="plan_localiser",
        tags=["training", "cpu"],
    )
    return pipeline([identity, plans])


def create_pipeline(strategy: str) -> Pipeline:
    """Everything that one strategy does.

    Args:
        strategy: Namespace of its data sets and of its parameters (``params:<strategy>.strategy``).
    """
    return create_identity_pipeline() + pipeline(
        _localisation() + _training() + _prediction() + _classification() + _omissions(),
        namespace=strategy,
        inputs=SHARED,
        parameters=COMMON,
        tags=[strategy, "training"],
    )


def _localisation() -> Pipeline:
    """Where the heart is; nothing is trained and nothing found for a strategy whose input is the full image."""
    return pipeline(
        [
            node(
                train_localiser,
                ["splits", "tensors", "localiser_plans", "params:strategy", "params:fits", "localiser_work"],
                "localiser",
                name="train_localiser",
                tags="gpu",
            ),
            node(
                locate_hearts,
                ["localiser", "tensors", "splits", "plans", "params:localiser", "params:training"],
                "rois",
                name="locate_hearts",
                tags="gpu",
            ),
            node(
                score_localiser,
                ["rois", "splits", "tensors", "plans", "subjects"],
                "localiser_table",
                name="score_localiser",
                tags="cpu",
            ),
        ]
    )


def _training() -> Pipeline:
    """Nodes that select the training subjects of the strategy and make its fits."""
    return pipeline(
        [
            node(
                select_training_cohort,
                ["subjects", "splits", "rois", "params:strategy"],
                "training_cohort",
                name="select_training_cohort",
                tags="cpu",
            ),
            node(
                train,
                {
                    "training_cohort": "training_cohort",
                    "tensors": "tensors",
                    "plans": "plans",
                    "strategy": "params:strategy",
                    "training": "params:training",
                    "fits": "params:fits",
                    "work": "work",
                },
                "model",
                name="train",
                tags="gpu",
            ),
        ]
    )


def _prediction() -> Pipeline:
    """Nodes that select the subjects to predict, make the predictions and score them."""
    return pipeline(
        [
            node(
                select_prediction_cohort,
                ["training_cohort", "splits", "subjects", "rois", "params:strategy"],
                "prediction_cohort",
                name="select_prediction_cohort",
                tags="cpu",
            ),
            node(
                choose_postprocessing,
                ["model", "tensors", "cohort", "plans", "prediction_cohort", "params:strategy", "params:inference"],
                "postprocessing",
                name="choose_postprocessing",
                tags="gpu",
            ),
            node(
                predict,
                {
                    "model": "model",
                    "tensors": "tensors",
                    "cohort": "cohort",
                    "prediction_cohort": "prediction_cohort",
                    "postprocessing": "postprocessing",
                    "strategy": "params:strategy",
                    "inference": "params:inference",
                },
                "predictions",
                name="predict",
                tags="gpu",
            ),
            node(
                score,
                ["predictions", "cohort", "plans", "params:strategy", "study_key"],
                "scores",
                name="score",
                tags="cpu",
            ),
            node(
                tabulate_strategy,
                ["scores", "subjects", "params:attributes"],
                "table1",
                name="tabulate",
                tags="cpu",
            ),
        ]
    )


def _omissions() -> Pipeline:
    """What the strategy leaves out; what its nodes log is written once more, for the pages."""
    tables = ("scans", "subjects", "splits", "training_cohort", "rois", "group_predictions")
    inputs = {"predictions": "predictions", "strategy": "params:strategy", **{name: name for name in tables}}
    return pipeline([node(list_omissions, inputs, "omissions", name="list_omissions", tags="cpu")])


def _classification() -> Pipeline:
    """How well a classifier of the protected group does; empty for a strategy that trains none."""
    return pipeline(
        [
            node(
                classify_groups,
                ["model", "tensors", "prediction_cohort", "subjects", "params:strategy", "params:inference"],
                "group_predictions",
                name="classify_groups",
                tags="gpu",
            ),
            node(
                score_classifier,
                ["group_predictions", "training_cohort"],
                "classifier_table",
                name="score_classifier",
                tags="cpu",
            ),
        ]
    )
