"""The node that lays a study out as nnU-Net wants it."""

from __future__ import annotations

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.sources.nnunet_export import NnunetExport, export_cohort


def export_nnunet(cohort: Cohort, subjects: pd.DataFrame, scans: pd.DataFrame, splits: pd.DataFrame) -> NnunetExport:
    """Say which scan lies where and who trains in which fold; scans are read as they are saved."""
    return export_cohort(cohort, subjects, scans, splits)
