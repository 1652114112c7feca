"""Cohort, subjects, scans, splits and omissions -> a raw data set of nnU-Net."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.export_nnunet import nodes

PREPARED = ("subjects", "scans", "splits", "omissions")
"""What data engineering makes for it."""


def create_pipeline() -> Pipeline:
    """Write the study's own labelled scans, folds and tables. Nothing is resampled or trained."""
    exporting = node(nodes.export_nnunet, ["cohort", *PREPARED], "nnunet_raw", name="export_nnunet")
    return pipeline([exporting], tags=["export_nnunet", "cpu"])
