"""How alike two sides are in their covariates: what regression extrapolates over and matching should mend."""

from __future__ import annotations

import numpy as np
import pandas as pd

from faircmr.fairness.adjustment.covariates import Sample
from faircmr.fairness.adjustment.design import indicators

BARELY = 0.5
"""Where fewer than this share of a group have their like among the rest, a model and not people compares them."""
CENTRAL = (0.025, 0.975)


def overlap_table(sample: Sample) -> pd.DataFrame:
    """How far each group lies where the rest of the subjects do.

    Args:
        sample: Subjects.

    Returns:
        One row a group and covariate: ``group``, ``covariate``, ``overlap`` (0..1: share of the group within the
        central 95 % of the rest, or in categories that the rest has as well) and ``barely`` (less than half). Each
        covariate is looked at alone: a group may lie within every range and still have nobody like it.
    """
    rows = []
    for number, group in enumerate(sample.groups.names):
        members = sample.groups.codes == number
        for name, values in sample.covariates.items():
            share = _share_among(values[members], values[~members])
            rows.append({"group": group, "covariate": name, "overlap": share, "barely": share < BARELY})
    return pd.DataFrame(rows, columns=["group", "covariate", "overlap", "barely"])


def standardised_differences(members: pd.DataFrame, others: pd.DataFrame, spread: pd.Series[float]) -> pd.Series[float]:
    """Differences of means in SDs.

    Args:
        members: Numbers of one side, see :func:`as_numbers`.
        others: Of the other side, same columns.
        spread: As :func:`pooled_spread` gives it; of the sides before matching, so that before and after are in the
            same unit.

    Returns:
        By column; 0 where both means are equal, infinite where nothing spreads and they are not, NaN without subjects.

    Source:
        Rosenbaum and Rubin 1985; Austin 2009. Below 0.1 in size is commonly called balanced.
    """
    difference = members.mean() - others.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        return (difference / spread).mask(difference == 0, 0.0)


def pooled_spread(members: pd.DataFrame, others: pd.DataFrame) -> pd.Series[float]:
    """Root of the mean of both variances (``ddof=0``, so that a side of one subject has one), by column."""
    return ((members.var(ddof=0) + others.var(ddof=0)) / 2) ** 0.5


def as_numbers(covariates: pd.DataFrame) -> pd.DataFrame:
    """Measurements as they are, and one column of 0 and 1 for each kind, named ``sex F``."""
    columns = []
    for name, values in covariates.items():
        if pd.api.types.is_float_dtype(values):
            columns.append(values.to_frame())
        else:
            columns.append(indicators(values).add_prefix(f"{name} "))
    return pd.concat(columns, axis="columns") if columns else pd.DataFrame(index=covariates.index)


def _share_among(members: pd.Series[float], rest: pd.Series[float]) -> float:
    if pd.api.types.is_float_dtype(members):
        low, high = rest.quantile(CENTRAL)
        return float(members.between(low, high).mean())
    return float(members.isin(rest.unique()).mean())
