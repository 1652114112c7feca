"""Scores of predictions as one long table: one row a subject, phase, structure and metric."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np
import pandas as pd

from faircmr.core import log_omissions
from faircmr.core.scans import Cohort, Phase, Predictions, Structure, predicted_scans, unscored_scans
from faircmr.core.study import SCHEMAS, SCORE_TYPES
from faircmr.fairness.metrics.scan import score_scan

SCANS_AT_ONCE = 256
"""Scans whose scores are small tables at the same time: in one table they take less memory."""


@dataclass(frozen=True)
class ScoredScan:
    """Whose prediction was scored, and which model of which study made it.

    Attributes:
        strategy: Name of the mitigation strategy.
        seed: Training seed, or ``None`` where the models of all seeds predicted together.
        fold: Fold whose test subjects these are, or ``None`` without cross-validation.
        study_key: Digest of what all strategies of a study share.
        subject_id: Study key of the subject.
        phase: Phase of the scan.
    """

    strategy: str
    seed: int | None
    fold: int | None
    study_key: str
    subject_id: str
    phase: Phase


def collect_scores(scored: Iterable[tuple[ScoredScan, pd.DataFrame]]) -> pd.DataFrame:
    """Put the scores of many scans into one table.

    Args:
        scored: Each scan with its scores as :func:`~faircmr.fairness.metrics.scan.score_scan` returns them.

    Returns:
        Columns and types of :data:`~faircmr.core.study.SCORE_TYPES`, in the order given; no rows
        when nothing was scored.
    """
    scans = iter(scored)
    parts = [_one_table(some) for some in iter(lambda: list(islice(scans, SCANS_AT_ONCE)), [])]
    return pd.concat(parts, ignore_index=True) if parts else SCHEMAS["scores"].empty()


def _one_table(pairs: Sequence[tuple[ScoredScan, pd.DataFrame]]) -> pd.DataFrame:
    scores = pd.concat([rows for _, rows in pairs], ignore_index=True)
    scans = pd.DataFrame([asdict(scan) for scan, _ in pairs])
    of_row = np.repeat(np.arange(len(pairs)), [len(rows) for _, rows in pairs])
    table = pd.concat([scans.iloc[of_row].reset_index(drop=True), scores], axis="columns")
    return table[list(SCORE_TYPES)].astype(SCORE_TYPES)


logger = logging.getLogger(__name__)


def score_predictions(
    predictions: Predictions, cohort: Cohort, structures: Sequence[Structure], strategy: str, study_key: str
) -> pd.DataFrame:
    """Score predictions one scan at a time.

    Args:
        predictions: Label images by (seed, fold, subject, phase).
        cohort: Holds the reference labels.
        structures: Of the study.
        strategy: Name of the strategy that predicted.
        study_key: Digest of what all strategies of the study share.

    Returns:
        Long scores as :func:`collect_scores` returns them. A scan without
        a reference has a prediction and no scores; the log says how many.

    Raises:
        InvalidScanError: A reference label cannot be read.
        InvalidScoresError: Prediction and reference lie on different grids.
    """
    unlabelled: set[tuple[str, Phase]] = set()

    def scored() -> Iterator[tuple[ScoredScan, pd.DataFrame]]:
        for key in predictions:
            reference = cohort.read(key.subject_id, key.phase).label
            if reference is None:
                unlabelled.add((key.subject_id, key.phase))
                continue
            scan = ScoredScan(strategy, key.seed, key.fold, study_key, key.subject_id, key.phase)
            prediction = predictions[key]
            yield scan, score_scan(prediction.label, reference, prediction.geometry.spacing, structures)

    scores = collect_scores(scored())
    log_omissions(logger, unscored_scans(len(unlabelled), predicted_scans(predictions)))
    return scores
