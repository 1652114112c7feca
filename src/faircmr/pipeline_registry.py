"""Every pipeline of the project, by name."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from kedro.pipeline import Pipeline

from faircmr.pipelines import (
    audit,
    cohort_report,
    data_engineering,
    estimate,
    evaluation,
    export_nnunet,
    predict,
    reporting,
    status,
    training,
)

FAMILIES = {
    "baseline": "paper",
    "stratified": "paper",
    "stratified_roi": "combinations",
    "reweighing": "combinations",
    "group_dro": "combinations",
    "group_calibration": "combinations",
    "combined": "combinations",
    "meta_learning": "paper",
    "meta_learning_uncoupled": "controls",
    "stratified_meta_learning": "combinations",
    "protected_groups": "paper",
    "two_stage": "controls",
    "stratified_protected_groups": "combinations",
    "balanced": "paper",
    "size_matched": "controls",
    "smallest_share_02": "controls",
    "smallest_share_05": "controls",
    "smallest_share_17": "controls",
}
"""Mitigation strategies in the order of Table 2, controls beside what they control, and the pipeline that runs a
strategy along with others of its kind; each has ``parameters_<strategy>.yml``."""
STRATEGIES = tuple(FAMILIES)


def register_pipelines() -> dict[str, Pipeline]:
    """Stages and strategies.

    A strategy's pipeline brings data engineering with it, so that it runs on a fresh clone.
    """
    # Kedro asks again whenever other pipelines are to run
    return dict(_pipelines())


@cache
def _pipelines() -> dict[str, Pipeline]:
    prepared = data_engineering.create_pipeline()
    strategies = {name: prepared + training.create_pipeline(name) for name in STRATEGIES}
    families = {
        family: _together(strategies[name] for name in STRATEGIES if FAMILIES[name] == family)
        for family in sorted(set(FAMILIES.values()))
    }
    everything = _together(strategies.values())
    compared = evaluation.create_pipeline(STRATEGIES)
    reported = reporting.create_pipeline(STRATEGIES)
    described = prepared.to_outputs(*cohort_report.NEEDED) + cohort_report.create_pipeline()
    return {
        "__default__": families["paper"] + compared + reported + described,
        "data_engineering": prepared,
        "cohort_report": described,
        **strategies,
        **families,
        "training": everything,
        "evaluation": compared,
        # a study has a key and a report before its first training, too
        "reporting": training.create_identity_pipeline() + reported,
        # beside the study, and never part of it
        "audit": audit.create_pipeline(),
        "audit_masks": audit.create_pipeline_of_masks(),
        "predict": predict.create_pipeline(),
        "export_nnunet": prepared.to_outputs(*export_nnunet.PREPARED) + export_nnunet.create_pipeline(),
        "estimate": everything.to_outputs(*estimate.PREPARED) + estimate.create_pipeline(STRATEGIES),
        "status": status.create_pipeline(STRATEGIES),
    }


def _together(pipelines: Iterable[Pipeline]) -> Pipeline:
    """As their sum, which makes a pipeline of every two."""
    return Pipeline({node for pipeline in pipelines for node in pipeline.nodes})
