"""Scores of every prediction of a strategy, each against the label drawn on the same scan."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import pandas as pd

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.cohort import Cohort
from faircmr.core.omissions import log_omissions
from faircmr.core.prediction import Predictions, predicted_scans, unscored_scans
from faircmr.fairness.metrics.scan import score_scan
from faircmr.fairness.scoring import ScoredScan, collect_scores

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
        Long scores as :func:`~faircmr.fairness.scoring.collect_scores` returns them. A scan without
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
