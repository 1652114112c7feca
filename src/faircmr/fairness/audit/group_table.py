"""Each group of each model: how it is served, how sure that is, and what may be said of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.fairness.audit.answers import Answers
from faircmr.fairness.audit.comparison import Cohort
from faircmr.fairness.inference.effect_size import hedges_g, probability_of_superiority
from faircmr.fairness.inference.groups import FloatArray
from faircmr.fairness.inference.multiplicity import holm
from faircmr.fairness.inference.power import smallest_detectable_gap
from faircmr.fairness.inference.projection import may_be_worst
from faircmr.fairness.inference.resampling import group_estimates
from faircmr.fairness.inference.verdict import Verdict, verdicts
from faircmr.fairness.intersections import Grouping

COLUMNS = [
    "model",
    "attribute",
    "group",
    "n",
    "mean",
    "low",
    "high",
    "sd",
    "difference",
    "p",
    "p_equivalence",
    "hedges_g",
    "g_low",
    "g_high",
    "superiority",
    "superiority_low",
    "superiority_high",
    "detectable",
    "may_be_worst",
    "p_holm",
    "p_equivalence_holm",
    "verdict",
]


def group_table(found: Sequence[Answers]) -> pd.DataFrame:
    """One row a model and group.

    Args:
        found: Answers by one attribute.

    Returns:
        Scores in percent and differences in points: ``model``, ``attribute``, ``group``, ``n``; ``mean`` with its
        interval ``low`` to ``high``, and ``sd`` over subjects; ``difference`` from everybody else; ``p`` of the
        studentised permutation test and ``p_holm``, adjusted over all groups and models of the attribute;
        ``p_equivalence`` against a difference of the margin or more, and ``p_equivalence_holm``; ``hedges_g`` with
        ``g_low`` and ``g_high``; ``superiority``, the chance (0..1) that one of the group is scored higher than one of
        all others, with ``superiority_low`` and ``superiority_high``; ``detectable``, the smallest difference that the
        group's test by itself (before Holm's correction) would find in 4 of 5 studies of this size; ``may_be_worst``,
        whether it may be the worst served group; ``verdict``. A group below the least size has its mean and the
        verdict ``insufficient evidence``.
    """
    parameters = found[0].parameters
    rows = pd.concat([_rows(one) for one in found], ignore_index=True)
    for name in ("p", "p_equivalence"):
        rows[f"{name}_holm"] = holm(rows[name].to_numpy())
    rows["verdict"] = verdicts(
        rows["p_holm"], rows["p_equivalence_holm"], rows["n"], parameters.min_group_size, parameters.alpha
    )
    small = [described(one.compared.cohort, one.compared.grouping, one.compared.grouping.insufficient) for one in found]
    return pd.concat([rows[COLUMNS], *(table for table in small if len(table))], ignore_index=True)


def described(cohort: Cohort, grouping: Grouping, groups: Sequence[str]) -> pd.DataFrame:
    """Rows of groups of which nothing can be said: their size and mean.

    Args:
        cohort: Models.
        grouping: How their subjects are divided.
        groups: Whom to describe.

    Returns:
        ``model``, ``attribute``, ``group``, ``n``, ``mean`` in percent, and the verdict ``insufficient evidence``.
    """
    rows = [
        {
            "model": model,
            "attribute": grouping.name,
            "group": group,
            "n": int(grouping.sizes[group]),
            "mean": 100.0 * float(scores[:, (grouping.labels == group).to_numpy()].mean()),
            "verdict": str(Verdict.INSUFFICIENT_EVIDENCE),
        }
        for model, scores in zip(cohort.models, cohort.scores, strict=True)
        for group in groups
    ]
    return pd.DataFrame(rows)


def _rows(found: Answers) -> pd.DataFrame:
    compared, alpha = found.compared, found.parameters.alpha
    values, groups, models = compared.values, compared.groups, compared.cohort.models
    mean = found.bootstrap.groups.interval(found.parameters.confidence).within(0.0, 1.0)
    effect, chance = hedges_g(values, groups, alpha), probability_of_superiority(values, groups, alpha)
    sds = group_estimates(values, groups).standard_errors * np.sqrt(groups.sizes)
    columns: dict[str, npt.NDArray[np.generic]] = {
        "mean": 100.0 * mean.estimate,
        "low": 100.0 * mean.low,
        "high": 100.0 * mean.high,
        "sd": 100.0 * sds,
        "difference": 100.0 * found.equivalence.differences,
        "p": found.tests.against_rest.p_values,
        "p_equivalence": found.equivalence.p_values,
        "hedges_g": effect.estimates,
        "g_low": effect.low,
        "g_high": effect.high,
        "superiority": chance.estimates,
        "superiority_low": chance.low,
        "superiority_high": chance.high,
        "detectable": 100.0 * np.stack([_detectable(groups.sizes, each, alpha) for each in sds]),
        "may_be_worst": may_be_worst(found.region),
    }
    named = {
        "model": np.repeat(models, len(groups.names)),
        "attribute": compared.attribute,
        "group": groups.names * len(models),
        "n": np.tile(groups.sizes, len(models)),
    }
    return pd.DataFrame(named | {name: column.ravel() for name, column in columns.items()})


def _detectable(sizes: npt.NDArray[np.int64], sds: FloatArray, alpha: float) -> FloatArray:
    """NaN where a group's scores are all equal: of what does not vary nothing is known."""
    return smallest_detectable_gap(sizes, sds, alpha) if (sds > 0.0).all() else np.full(len(sizes), np.nan)
