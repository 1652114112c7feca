"""Which gaps between groups this test set could show, before anything is trained."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from faircmr.core.splits import TEST
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.fairness.cohort_checks.counts import EVERYBODY, UNKNOWN
from faircmr.fairness.cohort_checks.parameters import CohortCheckParameters
from faircmr.fairness.inference.power import smallest_detectable_gap

POWER_COLUMNS = ("attribute", "group", "n", "detectable", "detectable_holm", "tested")


def detectable_gaps(
    counts: pd.DataFrame,
    folds: Collection[int] | None,
    audit: AuditParameters,
    limits: CohortCheckParameters,
) -> pd.DataFrame:
    """The smallest gap that would be found of each group, with the SD of the score that is assumed.

    Args:
        counts: As of :func:`~faircmr.fairness.cohort_checks.counts.split_counts`.
        folds: Folds that will be run, whose test subjects are scored together; all, if ``None``.
        audit: The level of the tests, and the least size of a group.
        limits: SD of the score and power.

    Returns:
        One row an attribute and group: ``attribute``, ``group``, ``n`` test subjects, ``detectable`` gap from all
        other groups in points by the group's test alone, ``detectable_holm`` in the first step of Holm's correction
        over the groups, and ``tested``: whether the group has the least size. Both gaps are NaN where it has not, or
        where no other group has.
    """
    # subjects whose attribute is not known are no group, and an audit leaves them out
    seen = counts[(counts["sex"] == EVERYBODY) & (counts["group"] != UNKNOWN)]
    if folds is not None:
        seen = seen[seen["fold"].isna() | seen["fold"].isin(list(folds))]
    sizes = seen.groupby(["attribute", "group"], sort=False)[TEST].sum().rename("n").reset_index()
    parts = [
        _of_attribute(rows.reset_index(drop=True), audit, limits) for _, rows in sizes.groupby("attribute", sort=False)
    ]
    return pd.concat(parts, ignore_index=True)[list(POWER_COLUMNS)]


def _of_attribute(rows: pd.DataFrame, audit: AuditParameters, limits: CohortCheckParameters) -> pd.DataFrame:
    rows = rows.assign(tested=rows["n"] >= audit.min_group_size, detectable=np.nan, detectable_holm=np.nan)
    tested = rows["tested"].to_numpy()
    if tested.sum() > 1:
        sizes = rows.loc[tested, "n"].to_numpy()
        for column, alpha in (("detectable", audit.alpha), ("detectable_holm", audit.alpha / tested.sum())):
            rows.loc[tested, column] = smallest_detectable_gap(sizes, limits.score_sd, alpha, limits.power)
    return rows
