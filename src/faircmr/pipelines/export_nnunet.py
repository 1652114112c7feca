"""Export a cohort as a raw data set of nnU-Net: node and pipeline."""

from __future__ import annotations

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core.scans import Cohort
from faircmr.sources.nnunet import NnunetExport, StudyTables, export_cohort


def export_nnunet(
    cohort: Cohort, subjects: pd.DataFrame, scans: pd.DataFrame, splits: pd.DataFrame, omissions: pd.DataFrame
) -> NnunetExport:
    """Say where each scan is written, who trains in which fold and who is tested; scans are read as they are saved."""
    return export_cohort(cohort, StudyTables(subjects, scans, splits, omissions))


PREPARED = ("subjects", "scans", "splits", "omissions")
"""What data engineering makes for it."""


def create_pipeline() -> Pipeline:
    """Write the study's own labelled scans, folds and tables. Nothing is resampled or trained."""
    exporting = node(export_nnunet, ["cohort", *PREPARED], "nnunet_raw", name="export_nnunet")
    return pipeline([exporting], tags=["export_nnunet", "cpu"])
