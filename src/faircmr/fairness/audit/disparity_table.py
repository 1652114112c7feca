"""Each model by each attribute: how far its groups are apart, and how far that may be chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from faircmr.fairness.audit.answers import Answers
from faircmr.fairness.equity_scaled import equity_scaled_by_deviations, equity_scaled_by_sd
from faircmr.fairness.inference.bias_corrected import bias_corrected_sd
from faircmr.fairness.inference.groups import FloatArray
from faircmr.fairness.inference.interval import Interval
from faircmr.fairness.inference.projection import gap_interval, may_be_worst, sd_interval, ser_interval, worst_interval

WITH_INTERVAL = ("Avg", "SD", "SER", "gap", "worst")
COLUMNS = [
    *("model", "attribute", "n", "groups", "mean"),
    *(name + end for name in WITH_INTERVAL for end in ("", "_low", "_high")),
    *("SD_corrected", "may_be_worst", "p_omnibus", "ES_SD", "ES_deviations", "scope"),
]


def disparity_table(found: Sequence[Answers]) -> pd.DataFrame:
    """One row a model.

    Args:
        found: Answers by one attribute.

    Returns:
        Scores in percent and differences in points: ``model``, ``attribute``, ``n`` and ``groups`` (how many);
        ``mean`` of all subjects; ``Avg``, the unweighted mean of the groups; ``SD`` over groups (``ddof=1``),
        ``SD_corrected`` for sampling noise, ``SER``, ``gap`` (best less worst group) and ``worst``; each of ``Avg``,
        ``SD``, ``SER``, ``gap`` and ``worst`` with its interval ``_low`` to ``_high``, all of which but that of
        ``Avg`` hold at once; ``may_be_worst``, names of the groups that may be the worst; ``p_omnibus``, of the
        permutation test that all groups are equal; ``ES_SD`` and ``ES_deviations``, equity-scaled scores in 0..1;
        ``scope``, what the intervals speak of.
    """
    return pd.concat([_rows(one) for one in found], ignore_index=True)


def _rows(found: Answers) -> pd.DataFrame:
    compared, region = found.compared, found.region
    values, groups = compared.values, compared.groups
    means, overall = groups.means(values), np.asarray(values.mean(axis=-1))
    average = found.bootstrap.mean_of_groups.interval(found.parameters.confidence).within(0.0, 1.0)
    columns = {
        "model": compared.cohort.models,
        "attribute": compared.attribute,
        "n": values.shape[-1],
        "groups": len(groups.names),
        "mean": 100.0 * overall,
        **_interval("Avg", average, 100.0),
        **_interval("SD", sd_interval(region), 100.0),
        "SD_corrected": 100.0 * bias_corrected_sd(found.bootstrap.groups.observed),
        **_interval("SER", ser_interval(region), 1.0),
        **_interval("gap", gap_interval(region), 100.0),
        **_interval("worst", worst_interval(region), 100.0),
        "may_be_worst": [", ".join(np.array(groups.names)[worst]) for worst in may_be_worst(region)],
        "p_omnibus": found.tests.omnibus.p_values,
        "ES_SD": equity_scaled_by_sd(overall, means),
        "ES_deviations": equity_scaled_by_deviations(overall, means),
        "scope": found.bootstrap.scope,
    }
    return pd.DataFrame(columns)[COLUMNS]


def _interval(name: str, interval: Interval, unit: float) -> dict[str, FloatArray]:
    ends = {"": interval.estimate, "_low": interval.low, "_high": interval.high}
    return {f"{name}{end}": unit * values for end, values in ends.items()}
