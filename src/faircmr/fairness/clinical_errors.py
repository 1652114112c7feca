"""Clinical errors of a study's strategies by protected group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.fairness.comparable import comparable
from faircmr.fairness.metrics.agreement import agreement_table
from faircmr.fairness.metrics.clinical import clinical_table
from faircmr.fairness.metrics.reclassification import LVEF_CLASSES, RVEF_CLASSES, reclassified
from faircmr.fairness.seeds import scores_by_seed
from faircmr.fairness.subject_scores import attributes_of

Tabulate = Callable[[pd.DataFrame, "pd.Series[str]"], pd.DataFrame]


def clinical_agreement(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Limits of agreement of every clinical measure, by strategy, training seed and protected group.

    Args:
        scores: Long scores of each strategy, with volumes; empty tables are strategies that did not run.
        subjects: Subject index.

    Returns:
        ``strategy`` and ``seed`` (missing where all seeds predicted together), then as
        :func:`~faircmr.fairness.metrics.agreement.agreement_table`.

    Raises:
        InvalidScoresError: No strategy has scores, or scores hold no volumes.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    return _tabulated(scores, subjects, agreement_table)


def reclassification(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Who is put into another class of ejection fraction, of either ventricle; arguments and errors as above.

    Returns:
        ``strategy``, ``seed`` and ``measure``, then as
        :func:`~faircmr.fairness.metrics.reclassification.reclassified`.
    """
    tables = [
        _tabulated(scores, subjects, partial(reclassified, classes=classes)).assign(measure=str(classes.measure))
        for classes in (LVEF_CLASSES, RVEF_CLASSES)
    ]
    table = pd.concat(tables, ignore_index=True)
    # nobody is counted where the study does not have the ventricle
    counted = table[table["n"] + table["without_reference"] > 0].reset_index(drop=True)
    return _led_by(["strategy", "seed", "measure"], counted)


def _tabulated(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, tabulate: Tabulate) -> pd.DataFrame:
    parts = []
    for strategy, of_strategy in comparable(scores, subjects).items():
        groups = attributes_of(pd.Index(of_strategy["subject_id"].unique()), subjects)[PROTECTED_GROUP]
        for seed, of_seed in scores_by_seed(of_strategy):
            table = tabulate(clinical_table(of_seed), groups)
            parts.append(table.assign(strategy=strategy, seed=seed).astype({"seed": "Int64"}))
    return _led_by(["strategy", "seed"], pd.concat(parts, ignore_index=True))


def _led_by(names: list[str], table: pd.DataFrame) -> pd.DataFrame:
    return table[[*names, *table.columns.drop(names)]]
