"""The training pipeline of one strategy: cohort -> model -> predictions -> scores -> Table 1."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.training import nodes

SHARED = {"subjects", "splits", "plans", "tensors", "cohort", "study_key"}
"""What every strategy reads alike: it stays outside the strategy's namespace."""
COMMON = {"training", "inference", "fits", "attributes"}
"""Parameters outside the namespace, so that no two strategies can be trained differently."""


def create_pipeline(strategy: str) -> Pipeline:
    """Everything that one strategy does.

    Args:
        strategy: Namespace of its data sets and of its parameters (``params:<strategy>.strategy``).
    """
    shared = node(
        nodes.identify_study,
        ["scans", "splits", "plans", "params:training", "params:inference"],
        "study_key",
        name="identify_study",
        tags=["training", "cpu"],
    )
    return pipeline([shared]) + pipeline(
        _steps(),
        namespace=strategy,
        inputs=SHARED,
        parameters=COMMON,
        tags=[strategy, "training"],
    )


def _steps() -> Pipeline:
    """What every strategy does, by names that have no namespace yet."""
    return pipeline(
        [
            node(
                nodes.select_training_cohort,
                ["subjects", "splits", "params:strategy"],
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
            node(
                nodes.predict,
                ["model", "tensors", "cohort", "splits", "params:inference"],
                "predictions",
                name="predict",
                tags="gpu",
            ),
            node(
                nodes.score,
                ["predictions", "cohort", "params:strategy", "study_key"],
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
