"""What each model gives and takes against the baseline: evenness may be bought by making somebody worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from faircmr.fairness.audit.answers import Answers
from faircmr.fairness.audit.comparison import Baseline, Compared
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.fairness.inference.crossed_seeds import bootstrap_t_over_seeds
from faircmr.fairness.inference.groups import FloatArray, Groups
from faircmr.fairness.inference.levelling_down import change_of_worst
from faircmr.fairness.inference.multiplicity import holm
from faircmr.fairness.inference.permutation import sign_flip_tests
from faircmr.fairness.intersections import Grouping

MEAN_OF_GROUPS, WORST = "mean of groups", "worst group"
COLUMNS = ["model", "attribute", "group", "n", "not_paired", "change", "low", "high", "p", "p_holm"]


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


def change_table(found: Sequence[Answers], baseline: Baseline) -> pd.DataFrame:
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
        for rows in _rows(paired, found[0].parameters)
    ]
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)
    return table.assign(p_holm=holm(table["p"]))


def _rows(paired: Paired, parameters: AuditParameters) -> Iterator[pd.DataFrame]:
    """Groups that are large enough, from one draw for all models; then the others."""
    groups = paired.grouping.groups
    if groups:
        yield _judged(paired, groups, parameters)
    if described := paired.grouping.insufficient if groups else tuple(paired.grouping.sizes.index):
        yield _described(paired, described)


def _judged(paired: Paired, groups: Groups, parameters: AuditParameters) -> pd.DataFrame:
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


def _described(paired: Paired, names: Sequence[str]) -> pd.DataFrame:
    labels, sizes = paired.grouping.labels, paired.grouping.sizes
    rows = [
        (model, name, int(sizes[name]), 100.0 * float(changes[:, (labels == name).to_numpy()].mean()))
        for model, changes in zip(paired.models, paired.changes, strict=True)
        for name in names
    ]
    return pd.DataFrame(rows, columns=["model", "group", "n", "change"])
