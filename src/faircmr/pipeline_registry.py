"""Every pipeline of the project, by name."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from faircmr.pipelines import data_engineering, evaluation, predict, reporting, training

STRATEGIES = ("baseline", "stratified")
"""Mitigation strategies, in the order of Table 2; each has ``parameters_<strategy>.yml``."""


def register_pipelines() -> dict[str, Pipeline]:
    """Stages and strategies.

    A strategy's pipeline brings data engineering with it, so that it runs on a fresh clone.
    """
    prepared = data_engineering.create_pipeline()
    strategies = {name: prepared + training.create_pipeline(name) for name in STRATEGIES}
    all_strategies = sum(strategies.values(), Pipeline([]))
    compared = evaluation.create_pipeline(STRATEGIES)
    reported = reporting.create_pipeline()
    return {
        "__default__": all_strategies + compared + reported,
        "data_engineering": prepared,
        **strategies,
        "training": all_strategies,
        "evaluation": compared,
        "reporting": reported,
        # beside the study, and never part of it
        "predict": predict.create_pipeline(),
    }
