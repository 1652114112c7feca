"""Nodes of reporting."""

from __future__ import annotations

import pandas as pd

from faircmr.core.cohort import Cohort


def plot_demographics(demographics: pd.DataFrame) -> str:
    """The paper's Fig. 2 as SVG text."""
    from faircmr.reporting.figures import demographics_figure

    return demographics_figure(demographics)


def show_cohort(cohort: Cohort, subjects: pd.DataFrame) -> bytes:
    """A mid-ventricular slice of the first subject of each protected group, at both phases, as PNG."""
    from faircmr.reporting.gallery import cohort_gallery, examples_of

    return cohort_gallery(examples_of(cohort, subjects))
