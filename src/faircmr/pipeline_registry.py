"""Every pipeline of the project, by name."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from faircmr.pipelines import data_engineering, estimate, evaluation, predict, reporting, training

PAPER = ("baseline", "stratified", "meta_learning", "protected_groups", "balanced")
"""The five strategies of Puyol-Antón et al. 2021."""
CONTROLS = (
    "meta_learning_uncoupled",
    "two_stage",
    "size_matched",
    "smallest_share_02",
    "smallest_share_05",
    "smallest_share_17",
)
"""What each of the paper's strategies is compared with, so that the comparison proves something."""
COMBINATIONS = (
    "stratified_protected_groups",
    "stratified_meta_learning",
    "stratified_roi",
    "reweighing",
    "group_dro",
    "group_calibration",
    "combined",
)
"""What the paper leaves to the future."""
STRATEGIES = (
    "baseline",
    "stratified",
    "stratified_roi",
    "reweighing",
    "group_dro",
    "group_calibration",
    "combined",
    "meta_learning",
    "meta_learning_uncoupled",
    "stratified_meta_learning",
    "protected_groups",
    "two_stage",
    "stratified_protected_groups",
    "balanced",
    "size_matched",
    "smallest_share_02",
    "smallest_share_05",
    "smallest_share_17",
)
"""Mitigation strategies in the order of Table 2, controls beside what they control; each has
``parameters_<strategy>.yml``."""


def register_pipelines() -> dict[str, Pipeline]:
    """Stages and strategies.

    A strategy's pipeline brings data engineering with it, so that it runs on a fresh clone.
    """
    prepared = data_engineering.create_pipeline()
    strategies = {name: prepared + training.create_pipeline(name) for name in STRATEGIES}
    several = {
        name: sum((strategies[one] for one in members), Pipeline([]))
        for name, members in {
            "paper": PAPER,
            "controls": CONTROLS,
            "combinations": COMBINATIONS,
            "training": STRATEGIES,
        }.items()
    }
    compared = evaluation.create_pipeline(STRATEGIES)
    reported = reporting.create_pipeline()
    return {
        "__default__": several["paper"] + compared + reported,
        "data_engineering": prepared,
        **strategies,
        **several,
        "evaluation": compared,
        "reporting": reported,
        # beside the study, and never part of it
        "predict": predict.create_pipeline(),
        "estimate": several["training"].to_outputs(*estimate.PREPARED) + estimate.create_pipeline(STRATEGIES),
    }
