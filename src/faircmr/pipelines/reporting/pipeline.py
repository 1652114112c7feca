"""Reporting: tables in, figures out; nothing is scored or trained again."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.reporting import nodes


def create_pipeline() -> Pipeline:
    """Demographics and cohort -> figures."""
    return pipeline(
        [
            node(nodes.plot_demographics, "demographics", "demographics_figure", name="plot_demographics"),
            node(nodes.show_cohort, ["cohort", "subjects"], "cohort_gallery", name="show_cohort"),
        ],
        tags=["reporting", "cpu"],
    )
