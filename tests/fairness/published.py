"""The tables of Puyol-Antón et al. 2021 as they were printed (DSC in percent), and scores that have their means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from faircmr.core.study import SCORE_TYPES
from faircmr.fairness.tables import CELLS

GROUPS = ("White", "Mixed", "Asian", "Black", "Chinese", "Others")

# Table 1, baseline: ED LVBP, ED LVM, ED RVBP, ES LVBP, ES LVM, ES RVBP, Avg
TABLE_1 = {
    "Total": (93.48, 83.12, 89.37, 89.37, 86.31, 80.61, 87.05),
    "Male": (93.58, 83.51, 88.82, 90.68, 85.31, 81.00, 87.02),
    "Female": (93.39, 82.71, 89.90, 89.59, 86.60, 80.21, 87.07),
    "White": (97.33, 93.08, 94.09, 95.06, 90.58, 90.88, 93.51),
    "Mixed": (92.70, 78.94, 86.91, 86.70, 82.54, 79.32, 84.52),
    "Asian": (94.53, 87.33, 90.51, 90.13, 88.94, 81.94, 88.90),
    "Black": (92.77, 85.93, 89.49, 89.42, 85.74, 71.91, 85.88),
    "Chinese": (91.81, 74.51, 85.74, 86.39, 85.12, 79.34, 83.82),
    "Others": (91.74, 78.94, 89.50, 88.53, 84.96, 80.27, 85.66),
}

# Table 2: White, Mixed, Asian, Black, Chinese, Others; Avg, SD, SER
TABLE_2 = {
    "baseline": ((93.51, 84.52, 88.90, 85.88, 87.63, 85.66), 87.68, 3.25, 2.38),
    "stratified": ((90.88, 93.84, 93.65, 93.07, 94.35, 93.50), 93.22, 1.22, 1.62),
    "meta_learning": ((92.75, 88.03, 90.64, 89.60, 88.18, 88.27), 89.58, 1.86, 1.65),
    "protected_groups": ((91.03, 93.17, 93.34, 92.15, 93.04, 93.08), 92.64, 0.89, 1.35),
    "balanced": ((79.32, 80.98, 80.37, 79.78, 80.82, 80.72), 80.33, 0.65, 1.09),
}
ROUNDING = 0.005
"""Half a unit of the last printed digit."""


class Attainable(NamedTuple):
    """Exactly the values that a measure takes over all inputs that print alike; all between the two are taken."""

    least: float
    greatest: float

    def prints_as(self, printed: float) -> bool:
        """Whether one of them would have been printed so."""
        # a sum of rounded decimals may miss a bound by the last bit
        return self.least <= printed + ROUNDING + 1e-9 and self.greatest >= printed - ROUNDING - 1e-9


def attainable_mean(printed: Sequence[float]) -> Attainable:
    """Of the unweighted mean: it moves with each input."""
    mean = float(np.mean(printed))
    return Attainable(mean - ROUNDING, mean + ROUNDING)


def attainable_sd(printed: Sequence[float], ddof: int = 1, rounding: float = ROUNDING) -> Attainable:
    """Of the SD: convex in the inputs, so greatest at a corner; least where all are nearest to one centre.

    That centre is the mean of the points nearest to it, because squares are least about the mean.
    """
    inputs = np.array(printed)
    corners = inputs + np.array(list(product((-rounding, rounding), repeat=len(inputs))))
    centre = float(inputs.mean())
    for _ in range(200):  # each step brings it nearer by the share of inputs that it is not within the rounding of
        centre = float(np.clip(centre, inputs - rounding, inputs + rounding).mean())
    nearest = np.clip(centre, inputs - rounding, inputs + rounding)
    return Attainable(float(nearest.std(ddof=ddof)), float(corners.std(axis=1, ddof=ddof).max()))


def attainable_ser(printed: Sequence[float], rounding: float = ROUNDING) -> Attainable:
    """Of the SER of DSC in percent: worst and best group drawn together, or apart."""
    errors = 100 - np.sort(printed)
    least = (errors[0] - rounding) / (errors[-1] + rounding)
    return Attainable(max(1.0, float(least)), float((errors[0] + rounding) / (errors[-1] - rounding)))


def scores_of(percent: Mapping[str, Sequence[float]], strategy: str = "baseline", seed: int = 0) -> pd.DataFrame:
    """Scores of one subject a key, with these DSC in percent by phase and structure."""
    rows = [
        (strategy, seed, None, "cohort:1 splits:2 training:3", subject_id, *cell.split(), "dsc", value / 100)
        for subject_id, values in percent.items()
        for cell, value in zip(CELLS, values, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(SCORE_TYPES)).astype(SCORE_TYPES)


def subjects_of(groups: Mapping[str, str], **attributes: Sequence[object]) -> pd.DataFrame:
    """Subject index: the protected group of each subject, and further attributes in the same order."""
    return pd.DataFrame({"subject_id": list(groups), "protected_group": list(groups.values()), **attributes})
