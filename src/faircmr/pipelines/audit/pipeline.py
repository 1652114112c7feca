"""Scores or masks of anybody's model, and demographics -> the audit."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.audit import nodes

TABLES = ["audit.groups", "audit.disparity", "audit.changes", "audit.adjusted", "audit.matched"]


def create_pipeline() -> Pipeline:
    """A table of scores and one of demographics -> tables and one page. Nothing is trained."""
    return _audit_of("audit.scores", "audit_scores")


def create_pipeline_of_masks() -> Pipeline:
    """Two folders of masks and a table of demographics -> scores -> tables and one page."""
    inputs, outputs = ["audit.masks", "params:audit_labels"], ["audit.mask_scores", "audit.mask_notes"]
    scoring = node(nodes.score_masks, inputs, outputs, name="score_masks")
    return pipeline([scoring], tags=["audit", "cpu"]) + _audit_of(
        "audit.mask_scores", "audit_masks", "audit.mask_notes"
    )


def _audit_of(scores: str, name: str, *further: str) -> Pipeline:
    inputs = [scores, "audit.demographics", "params:audit", "params:audit_columns", *further]
    return pipeline([node(nodes.audit_scores, inputs, [*TABLES, "audit.report"], name=name)], tags=["audit", "cpu"])
