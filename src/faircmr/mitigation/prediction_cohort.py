"""Subjects that a strategy predicts, their keys, and the subjects and scans that it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from faircmr.core import PROTECTED_GROUP, Omission, omission_table, strategy_step
from faircmr.core.scans import PredictionKey, predicted_scans, unscored_scans
from faircmr.core.study import TEST, TRAIN, VALIDATION
from faircmr.mitigation.cohorts import cohort_pools, filled_places
from faircmr.mitigation.fits import untrained_groups
from faircmr.mitigation.strategies import BalancedCohort, GroupCalibration, ProtectedGroupModels, StrategyParameters
from faircmr.segmentation.localiser import unlocated_hearts
from faircmr.segmentation.training import without_own_model

KEY = "key"


def select_prediction_cohort(
    training_cohort: pd.DataFrame, splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters
) -> pd.DataFrame:
    """Select the validation subjects of a strategy and the test subjects of the study.

    Args:
        training_cohort: ``subject_id``, ``split`` and, with cross-validation, ``fold``; a strategy may have its own
            validation subjects.
        splits: The same columns for the whole study; all strategies have its test subjects.
        subjects: ``subject_id`` and ``protected_group``.
        strategy: Determines whether predictions need the protected group.

    Returns:
        ``subject_id``, ``split``, with cross-validation ``fold``, and ``key``: the protected group if predictions need
        it, otherwise missing, so that no prediction can depend on it.
    """
    columns = ["subject_id", "split", *(["fold"] if "fold" in splits else [])]
    validated = training_cohort.loc[training_cohort["split"] == VALIDATION, columns]
    tested = splits.loc[splits["split"] == TEST, columns]
    cohort = pd.concat([validated, tested], ignore_index=True)
    groups = subjects.set_index("subject_id")["protected_group"].astype("string")
    cohort[KEY] = cohort["subject_id"].map(groups) if predicts_by_group(strategy) else None
    return cohort.astype({KEY: "string"})


def predicts_by_group(strategy: StrategyParameters) -> bool:
    """Whether the predictions of a strategy need the protected group of the subject."""
    return strategy.stages.group_aware or isinstance(strategy.output, GroupCalibration)


def keys_of(prediction_cohort: pd.DataFrame) -> dict[str, str]:
    """Protected group of each subject whose prediction needs it, by study key."""
    known = prediction_cohort.dropna(subset=[KEY])
    return dict(zip(known["subject_id"], known[KEY].astype(str), strict=True))


SCAN = ["subject_id", "phase"]


@dataclass(frozen=True)
class StrategyTables:
    """Inputs and outputs of a strategy, from which its omissions are counted.

    Attributes:
        scans: ``subject_id``, ``phase`` and ``labelled`` of every scan of the study.
        subjects: Subject index.
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.
        training_cohort: Result of :func:`~faircmr.mitigation.select_training_cohort`.
        rois: Result of :func:`~faircmr.segmentation.localiser.roi_table`; empty if full images are used.
        group_predictions: Result of :func:`~faircmr.mitigation.objectives.classify_subjects`; empty without a
            classifier.
    """

    scans: pd.DataFrame
    subjects: pd.DataFrame
    splits: pd.DataFrame
    training_cohort: pd.DataFrame
    rois: pd.DataFrame
    group_predictions: pd.DataFrame

    @property
    def tested(self) -> pd.DataFrame:
        """Test subjects with their protected group, and with cross-validation their fold."""
        tested = self.splits[self.splits["split"] == TEST]
        return tested.merge(self.subjects[["subject_id", PROTECTED_GROUP]], on="subject_id", validate="many_to_one")


def strategy_omissions(
    tables: StrategyTables, predictions: Iterable[PredictionKey], strategy: StrategyParameters
) -> pd.DataFrame:
    """Count the subjects and scans that one strategy leaves out, with the texts that its nodes log.

    Args:
        tables: Inputs and outputs of the strategy.
        predictions: Keys of its predictions.
        strategy: Its parameters.

    Returns:
        Result of :func:`~faircmr.core.omission_table`; the first row counts test scans without a prediction, also
        if there are none.
    """
    omissions = [
        *_scan_omissions(tables, list(predictions)),
        *unlocated_hearts(tables.rois),
        *_place_omissions(tables, strategy),
        *_group_omissions(tables, strategy),
        *_classification_omissions(tables),
    ]
    return omission_table({strategy_step(strategy.name): omissions})


def unclassified(subjects: int, tested: int) -> list[Omission]:
    """Omission for test subjects whose group the classifier does not know; empty for 0 subjects."""
    reason = "no subject of their group was trained on"
    return [Omission("test subjects", subjects, tested, reason, outcome="not classified")] if subjects else []


def _scan_omissions(tables: StrategyTables, predictions: list[PredictionKey]) -> Iterator[Omission]:
    """Test scans without a prediction, then predicted scans without a reference."""
    predicted = {(key.subject_id, str(key.phase)) for key in predictions}
    tested = tables.scans[tables.scans["subject_id"].isin(tables.tested["subject_id"])]
    has_prediction = np.array([scan in predicted for scan in tested[SCAN].itertuples(index=False, name=None)], np.bool_)
    without = int((~has_prediction).sum())
    yield Omission("test scans", without, len(tested), _why_unpredicted(tables, predictions), outcome="not predicted")
    unlabelled = int((has_prediction & ~tested["labelled"].to_numpy(np.bool_)).sum())
    yield from unscored_scans(unlabelled, predicted_scans(predictions))


def _why_unpredicted(tables: StrategyTables, predictions: list[PredictionKey]) -> str:
    tested = set(tables.tested["fold"]) if "fold" in tables.splits else set()
    skipped = sorted(int(fold) for fold in tested - {key.fold for key in predictions})
    return f"fits.folds leaves out fold {', '.join(map(str, skipped))}" if skipped else "no prediction was made"


def _place_omissions(tables: StrategyTables, strategy: StrategyParameters) -> list[Omission]:
    """For a balanced cohort: places that subjects with another value fill."""
    if not isinstance(strategy.cohort, BalancedCohort):
        return []
    return filled_places(cohort_pools(tables.splits, tables.subjects, strategy), strategy.cohort)


def _group_omissions(tables: StrategyTables, strategy: StrategyParameters) -> Iterator[Omission]:
    """For models of protected groups: groups without a model, and test subjects of such groups."""
    stages, cohort = strategy.stages, tables.training_cohort
    if not isinstance(stages, ProtectedGroupModels):
        return
    groups_without_model, subjects_without_model, tested = [], 0, tables.tested
    for fold, rows in cohort.groupby("fold") if "fold" in cohort else [(None, cohort)]:
        trained = set(rows.loc[rows["split"] == TRAIN, PROTECTED_GROUP])
        groups_without_model += untrained_groups(trained, rows[PROTECTED_GROUP])
        own = trained if stages.groups is None else trained & set(stages.groups)
        tested_in_fold = tested if fold is None else tested[tested["fold"] == fold]
        subjects_without_model += int((~tested_in_fold[PROTECTED_GROUP].isin(own)).sum())
    yield from dict.fromkeys(groups_without_model)
    yield from without_own_model(subjects_without_model, len(tested), weighed=stages.unknown_group == "posterior")


def _classification_omissions(tables: StrategyTables) -> list[Omission]:
    if tables.group_predictions.empty:
        return []
    tested = set(tables.tested["subject_id"])
    return unclassified(len(tested - set(tables.group_predictions["subject_id"])), len(tested))
