"""Data engineering, the same for every data set."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.data_engineering import nodes


def create_pipeline() -> Pipeline:
    """Cohort -> scans, subjects, quarantine, omissions, demographics, splits, fingerprint, plans, tensors."""
    return pipeline(
        [
            node(
                nodes.index_cohort,
                ["cohort", "params:attributes", "params:quarantine"],
                ["scans", "subjects", "quarantine", "omissions"],
                name="index_cohort",
            ),
            node(nodes.summarise_demographics, "subjects", "demographics", name="summarise_demographics"),
            node(
                nodes.divide_cohort,
                ["subjects", "scans", "params:split", "params:cohort_selection", "given_splits"],
                ["division", "division_problem", "split_omissions"],
                name="divide_cohort",
            ),
            node(nodes.split_cohort, ["division", "division_problem"], "splits", name="split_cohort"),
            node(nodes.fingerprint_dataset, ["scans", "splits"], "fingerprint", name="fingerprint_dataset"),
            node(nodes.plan_study, ["fingerprint", "params:plans"], "plans", name="plan_study"),
            node(nodes.preprocess_cohort, ["cohort", "scans", "plans"], "tensors", name="preprocess_cohort"),
        ],
        tags=["data_engineering", "cpu"],
    )
