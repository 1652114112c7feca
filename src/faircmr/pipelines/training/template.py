"""The training pipeline of one strategy: cohort, heart regions -> model -> predictions -> scores -> Table 1."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.training import classification_nodes, localisation_nodes, nodes

SHARED = {"subjects", "scans", "splits", "plans", "localiser_plans", "tensors", "cohort", "study_key"}
"""What every strategy reads alike: it stays outside the strategy's namespace."""
COMMON = {"training", "inference", "fits", "localiser", "attributes"}
"""Parameters outside the namespace, so that no two strategies can be trained differently."""


def create_identity_pipeline() -> Pipeline:
    """What all strategies share: the study's key, and the localisers' plans, which are a part of it."""
    identity = node(
        nodes.identify_study,
        ["scans", "splits", "plans", "params:training", "params:inference", "localiser_plans", "params:localiser"],
        "study_key",
        name="identify_study",
        tags=["training", "cpu"],
    )
    plans = node(
        localisation_nodes.plan_localiser,
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
                localisation_nodes.train_localiser,
                ["splits", "tensors", "localiser_plans", "params:strategy", "params:fits", "localiser_work"],
                "localiser",
                name="train_localiser",
                tags="gpu",
            ),
            node(
                localisation_nodes.locate_hearts,
                ["localiser", "tensors", "splits", "plans", "params:localiser", "params:training"],
                "rois",
                name="locate_hearts",
                tags="gpu",
            ),
            node(
                localisation_nodes.score_localiser,
                ["rois", "splits", "tensors", "plans", "subjects"],
                "localiser_table",
                name="score_localiser",
                tags="cpu",
            ),
        ]
    )


def _training() -> Pipeline:
    """Whom the strategy trains on, and its fits."""
    return pipeline(
        [
            node(
                nodes.select_training_cohort,
                ["subjects", "splits", "rois", "params:strategy"],
                "training_cohort",
                name="select_training_cohort",
                tags="cpu",
            ),
            node(
                nodes.train,
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
    """Whom the fits predict, what they say, and how well."""
    return pipeline(
        [
            node(
                nodes.select_prediction_cohort,
                ["training_cohort", "splits", "subjects", "rois", "params:strategy"],
                "prediction_cohort",
                name="select_prediction_cohort",
                tags="cpu",
            ),
            node(
                nodes.choose_postprocessing,
                ["model", "tensors", "cohort", "plans", "prediction_cohort", "params:strategy", "params:inference"],
                "postprocessing",
                name="choose_postprocessing",
                tags="gpu",
            ),
            node(
                nodes.predict,
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
                nodes.score,
                ["predictions", "cohort", "plans", "params:strategy", "study_key"],
                "scores",
                name="score",
                tags="cpu",
            ),
            node(
                nodes.tabulate_strategy,
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
    return pipeline([node(nodes.list_omissions, inputs, "omissions", name="list_omissions", tags="cpu")])


def _classification() -> Pipeline:
    """How well a classifier of the protected group does; empty for a strategy that trains none."""
    return pipeline(
        [
            node(
                classification_nodes.classify_groups,
                ["model", "tensors", "prediction_cohort", "subjects", "params:strategy", "params:inference"],
                "group_predictions",
                name="classify_groups",
                tags="gpu",
            ),
            node(
                classification_nodes.score_classifier,
                ["group_predictions", "training_cohort"],
                "classifier_table",
                name="score_classifier",
                tags="cpu",
            ),
        ]
    )
