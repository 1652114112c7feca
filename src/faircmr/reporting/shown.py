"""Tables that a run shows at its end, in this order and unless empty: by the last part of their name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from faircmr.reporting.classifier import render_classifier
from faircmr.reporting.cohort_text import render_checks
from faircmr.reporting.estimates import render_estimates
from faircmr.reporting.localiser import render_localiser
from faircmr.reporting.tables import render_table1, render_table2

SHOWN: Mapping[str, tuple[Callable[[pd.DataFrame, str], str], str]] = {
    "cohort_checks": (render_checks, "The cohort, before any training"),
    "localiser_table": (render_localiser, "Heart region: {strategy}"),
    "classifier_table": (render_classifier, "Classifier of the protected group: {strategy}"),
    "table1": (render_table1, "Table 1: {strategy}"),
    "table2": (render_table2, "Table 2"),
    "fit_estimates": (render_estimates, "Estimated time, memory and disk"),
}
"""What makes text of a table and its title; and the title, in which ``{strategy}`` is the first part of the name."""
