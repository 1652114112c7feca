"""The node that lays a study out as nnU-Net wants it."""

from __future__ import annotations

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.sources.nnunet_export import NnunetExport, StudyTables, export_cohort


def export_nnunet(
    cohort: Cohort, subjects: pd.DataFrame, scans: pd.DataFrame, splits: pd.DataFrame, omissions: pd.DataFrame
) -> NnunetExport:
    """Say where each scan is written, who trains in which fold and who is tested; scans are read as they are saved."""
    return export_cohort(cohort, StudyTables(subjects, scans, splits, omissions))
