"""Tables of an audit: each group, the disparity, failures, and changes against the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.fairness.audit.comparison import AuditDraws, Baseline, Cohort, Compared, Grouping
from faircmr.fairness.audit.parameters import AuditColumns, AuditParameters
from faircmr.fairness.inference import (
    FloatArray,
    Groups,
    Interval,
    Verdict,
    bias_corrected_sd,
    bootstrap_t_over_seeds,
    change_of_worst,
    gap_interval,
    group_estimates,
    hedges_g,
    holm,
    may_be_worst,
    probability_of_superiority,
    sd_interval,
    ser_interval,
    sign_flip_tests,
    smallest_detectable_gap,
    verdicts,
    worst_interval,
)
from faircmr.fairness.metrics import Metric
from faircmr.fairness.tables import equity_scaled_by_deviations, equity_scaled_by_sd

COUNTED = (Metric.MISSED, Metric.INVENTED)


def failure_notes(table: pd.DataFrame, columns: AuditColumns) -> Iterator[str]:
    """A sentence about each model that missed a structure or invented one.

    Args:
        table: Scores, long; says nothing of failures unless it has rows of the metrics ``missed`` and ``invented``, 1
            or 0, as :func:`~faircmr.fairness.metrics.scan.score_scan` makes them.
        columns: What its columns are called.
    """
    if not {columns.metric, columns.value} <= set(table.columns):
        return
    counted = table[table[columns.metric].isin(COUNTED)]
    named = columns.model in table.columns
    for model, rows in counted.groupby(columns.model if named else lambda _: "", sort=False):
        values = pd.to_numeric(rows[columns.value], errors="coerce")
        missed, invented = (values[rows[columns.metric] == metric] for metric in COUNTED)
        if missed.sum() or invented.sum():
            whose = f"{model!s}: " if named else ""
            yield (
                f"{whose}{missed.sum():.0f} of {len(missed)} drawn structures were missed, and "
                f"{invented.sum():.0f} of {len(invented)} that nobody drew were invented; each of them scores 0."
            )


GROUP_COLUMNS = [
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


def group_table(found: Sequence[AuditDraws]) -> pd.DataFrame:
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
    rows = pd.concat([_group_rows(one) for one in found], ignore_index=True)
    for name in ("p", "p_equivalence"):
        rows[f"{name}_holm"] = holm(rows[name].to_numpy())
    rows["verdict"] = verdicts(
        rows["p_holm"], rows["p_equivalence_holm"], rows["n"], parameters.min_group_size, parameters.alpha
    )
    small = [
        insufficient_rows(one.compared.cohort, one.compared.grouping, one.compared.grouping.insufficient)
        for one in found
    ]
    return pd.concat([rows[GROUP_COLUMNS], *(table for table in small if len(table))], ignore_index=True)


def insufficient_rows(cohort: Cohort, grouping: Grouping, groups: Sequence[str]) -> pd.DataFrame:
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


def _group_rows(found: AuditDraws) -> pd.DataFrame:
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


WITH_INTERVAL = ("Avg", "SD", "SER", "gap", "worst")
DISPARITY_COLUMNS = [
    *("model", "attribute", "n", "groups", "mean"),
    *(name + end for name in WITH_INTERVAL for end in ("", "_low", "_high")),
    *("SD_corrected", "may_be_worst", "p_omnibus", "ES_SD", "ES_deviations", "scope"),
]


def disparity_table(found: Sequence[AuditDraws]) -> pd.DataFrame:
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
    return pd.concat([_disparity_rows(one) for one in found], ignore_index=True)


def _disparity_rows(found: AuditDraws) -> pd.DataFrame:
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
    return pd.DataFrame(columns)[DISPARITY_COLUMNS]


def _interval(name: str, interval: Interval, unit: float) -> dict[str, FloatArray]:
    ends = {"": interval.estimate, "_low": interval.low, "_high": interval.high}
    return {f"{name}{end}": unit * values for end, values in ends.items()}


MEAN_OF_GROUPS, WORST = "mean of groups", "worst group"
CHANGE_COLUMNS = ["model", "attribute", "group", "n", "not_paired", "change", "low", "high", "p", "p_holm"]


@dataclass(frozen=True)
class Paired:
    """Models and the baseline on the subjects whom both scored.

    Attributes:
        models: All of the compared ones but the baseline.
        grouping: Of these subjects; a group that was large enough may be too small among them.
        before: Scores of the baseline, averaged over trainings, shape ``(subjects,)``.
        changes: Scores of the models less those of the baseline, shape ``(models, seeds, subjects)``: training by
            training where both were trained equally often, otherwise of their averages.
        alone: Subjects whom one of the two alone scored.
    """

    models: tuple[str, ...]
    grouping: Grouping
    before: FloatArray
    changes: FloatArray
    alone: int

    @classmethod
    def of(cls, compared: Compared, baseline: Baseline) -> Paired:
        """Pair the models of a cohort with the baseline."""
        cohort, labels, min_group_size = compared.cohort, compared.grouping.labels, compared.grouping.min_group_size
        common = cohort.subjects.intersection(baseline.scores.index, sort=False)
        others = [place for place, model in enumerate(cohort.models) if model != baseline.model]
        scores = cohort.scores[others][..., cohort.subjects.get_indexer(common)]
        before = baseline.scores.loc[common].to_numpy(dtype=np.float64).T
        if scores.shape[1] != len(before):
            scores, before = scores.mean(axis=1, keepdims=True), before.mean(axis=0, keepdims=True)
        return cls(
            tuple(cohort.models[place] for place in others),
            Grouping(compared.attribute, labels[common], min_group_size),
            before.mean(axis=0),
            scores - before,
            len(cohort.subjects.symmetric_difference(baseline.scores.index)),
        )


def change_table(found: Sequence[AuditDraws], baseline: Baseline) -> pd.DataFrame:
    """One row a model and group, then of their mean and of the worst group; no rows of the baseline.

    Args:
        found: Answers by one attribute.
        baseline: What the models are compared with.

    Returns:
        In points: ``model``, ``attribute``, ``group``, ``n``, ``not_paired`` (subjects scored by one of the two models
        alone, who are left out), ``change`` of the mean score since the baseline, of the same subjects, with its
        interval ``low`` to ``high``; ``p`` of the studentised sign-flip test, and ``p_holm``, adjusted over all
        models and groups of the attribute. A group below the least size has its change and nothing else, and is not
        in the mean of groups nor the worst group. Intervals are over new subjects and new trainings where model and
        baseline were trained equally often, three times at least; otherwise, as ``p`` always, they are conditional on
        the trained models.
    """
    parts = [
        rows.assign(attribute=paired.grouping.name, not_paired=paired.alone)
        for paired in (Paired.of(one.compared, baseline) for one in found)
        if paired.models
        for rows in _change_rows(paired, found[0].parameters)
    ]
    if not parts:
        return pd.DataFrame(columns=CHANGE_COLUMNS)
    table = pd.concat(parts, ignore_index=True).reindex(columns=CHANGE_COLUMNS)
    return table.assign(p_holm=holm(table["p"]))


def _change_rows(paired: Paired, parameters: AuditParameters) -> Iterator[pd.DataFrame]:
    """Groups that are large enough, from one draw for all models; then the others."""
    groups = paired.grouping.groups
    if groups:
        yield _test_changes(paired, groups, parameters)
    if insufficient_rows := paired.grouping.insufficient if groups else tuple(paired.grouping.sizes.index):
        yield _insufficient_change_rows(paired, insufficient_rows)


def _test_changes(paired: Paired, groups: Groups, parameters: AuditParameters) -> pd.DataFrame:
    enough, models = paired.grouping.compared, len(paired.models)
    changes, before = paired.changes[..., enough], paired.before[enough]
    tested = sign_flip_tests(changes.mean(axis=1), groups, parameters.draws, parameters.seed).p_values
    rows = [*groups.names, MEAN_OF_GROUPS, WORST]
    columns = {
        "model": np.repeat(paired.models, len(rows)),
        "group": rows * models,
        "n": [*groups.sizes, len(before), len(before)] * models,
        "p": np.pad(tested, ((0, 0), (0, 2)), constant_values=np.nan).ravel(),
    }
    return pd.DataFrame(columns | _changes(changes, before, groups, parameters))


def _changes(
    changes: FloatArray, before: FloatArray, groups: Groups, parameters: AuditParameters
) -> dict[str, FloatArray]:
    drawn = bootstrap_t_over_seeds(changes, groups, parameters.draws, parameters.seed)
    confidence = parameters.confidence
    intervals = [
        drawn.groups.interval(confidence),
        drawn.mean_of_groups.interval(confidence),
        change_of_worst(groups.means(before), drawn.region(confidence)),
    ]
    possible = [one.within(-1.0, 1.0) for one in intervals]
    ends = {"change": "estimate", "low": "low", "high": "high"}
    return {
        name: 100.0 * np.column_stack([getattr(one, end) for one in possible]).ravel() for name, end in ends.items()
    }


def _insufficient_change_rows(paired: Paired, names: Sequence[str]) -> pd.DataFrame:
    labels, sizes = paired.grouping.labels, paired.grouping.sizes
    rows = [
        (model, name, int(sizes[name]), 100.0 * float(changes[:, (labels == name).to_numpy()].mean()))
        for model, changes in zip(paired.models, paired.changes, strict=True)
        for name in names
    ]
    return pd.DataFrame(rows, columns=["model", "group", "n", "change"])
