"""Limits of agreement between what a model measured and what an expert did (Bland and Altman)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core.errors import InvalidScoresError
from faircmr.fairness.intervals import Z
from faircmr.fairness.metrics.by_group import by_group

LOW, HIGH = 0.025, 0.975


class Agreement(NamedTuple):
    """Bias and limits of agreement with their 95 % intervals, in the unit of the differences.

    Attributes:
        n: Differences.
        bias: Their mean.
        bias_low: Lower end of its interval.
        bias_high: Upper end.
        sd: Their sample SD (``ddof=1``).
        lower_limit: ``bias - 1.96 sd``.
        lower_limit_low: Lower end of its interval.
        lower_limit_high: Upper end.
        upper_limit: ``bias + 1.96 sd``.
        upper_limit_low: Lower end of its interval.
        upper_limit_high: Upper end.
    """

    n: int
    bias: float
    bias_low: float
    bias_high: float
    sd: float
    lower_limit: float
    lower_limit_low: float
    lower_limit_high: float
    upper_limit: float
    upper_limit_low: float
    upper_limit_high: float


def limits_of_agreement(differences: npt.ArrayLike) -> Agreement:
    """Bland-Altman analysis of differences between two measurements.

    The interval of a limit is exact where the differences are normal: that of a normal quantile, by the noncentral t.
    The approximate one (Bland and Altman 1999) reaches as far inwards as outwards: of 9 subjects it ends short of the
    true limit in 7 % of samples, and beyond it in none, where it should be 2.5 % each.

    Args:
        differences: Predicted less reference, one a subject, shape ``(subjects,)``.

    Returns:
        All NaN but ``n`` and ``bias`` of one difference, and all but ``n`` of none.

    Raises:
        InvalidScoresError: A difference is not a finite number.

    Source:
        Bland and Altman 1986 for the limits; Carkeet 2015 for their intervals, each limit by itself.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InvalidScoresError("differences", "not finite", "finite numbers", "leave out and count what is undefined")
    n, nan = len(values), float("nan")
    if n < 2:
        return Agreement(n, float(values[0]) if n else nan, *(nan,) * 9)
    bias, sd = float(values.mean()), float(values.std(ddof=1))
    half, inner, outer = (factor * sd for factor in _factors(n))
    return Agreement(
        *(n, bias, bias - half, bias + half, sd),
        *(bias - Z * sd, bias - outer, bias - inner),
        *(bias + Z * sd, bias + inner, bias + outer),
    )


def agreement_table(errors: pd.DataFrame, groups: pd.Series[str]) -> pd.DataFrame:
    """Limits of agreement of every clinical measure, by group.

    Args:
        errors: Of one model, as :func:`~faircmr.fairness.metrics.clinical.clinical_errors` makes them with the index
            ``subject_id``.
        groups: Group of each subject, index ``subject_id``.

    Returns:
        One row a measure and group, ``all`` subjects last: ``measure``, ``unit``, ``group``, the fields of
        :class:`Agreement`, ``undefined`` (subjects without a value, left out of the others) and ``problems``
        (subjects with a structure or phase missing, with a value or without). No rows without clinical measures.

    Raises:
        InvalidScoresError: A subject has a measure twice.
        InvalidCohortError: Subjects do not join ``groups``.
    """
    rows = [
        {"measure": measure, "unit": unit, "group": group, **_summary(part)}
        for (measure, unit), of_measure in errors.groupby(["measure", "unit"], sort=False)
        for group, part in by_group(of_measure, groups)
    ]
    return pd.DataFrame(rows, columns=["measure", "unit", "group", *Agreement._fields, "undefined", "problems"])


def _summary(rows: pd.DataFrame) -> dict[str, float]:
    defined = rows["error"].dropna()
    counts = {"undefined": len(rows) - len(defined), "problems": int((rows["problem"] != "").sum())}
    return limits_of_agreement(defined.to_numpy())._asdict() | counts


def _factors(n: int) -> tuple[float, float, float]:
    """Of the SD: half the width of the bias's interval, and from the bias to both ends of the upper limit's."""
    from scipy import stats

    root = float(np.sqrt(n))
    half = float(stats.t.ppf(HIGH, n - 1)) / root
    inner, outer = (float(stats.nct.ppf(level, n - 1, root * Z)) / root for level in (LOW, HIGH))
    return half, inner, outer
