"""Scores of predictions as one long table: one row a subject, phase, structure and metric."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.errors import InvalidScoresError
from faircmr.core.scan import LabelImage
from faircmr.core.schemas import SCHEMAS, SCORE_TYPES
from faircmr.fairness.dice import ALL_STRUCTURES, dice_score

DSC = "dsc"


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


def score_prediction(prediction: LabelImage, reference: LabelImage) -> pd.DataFrame:
    """Score every structure of one predicted scan.

    Args:
        prediction: Predicted labels, shape (slices, rows, columns), values of ``Structure`` and 0.
        reference: Drawn labels on the same grid.

    Returns:
        Columns ``structure`` (``LVBP``), ``metric`` (``dsc``) and ``value`` (0..1). A missed or
        invented structure scores 0; one that is in neither image has no row.

    Raises:
        InvalidScoresError: The grids differ, or an image holds a label that is no structure.
    """
    for name, image in (("prediction", prediction), ("reference", reference)):
        if image.size and image.max() > max(Structure):
            raise InvalidScoresError(name, "a label that is no structure", f"labels 0..{max(Structure).value}")
    names = [structure.name for structure in ALL_STRUCTURES]
    scores = pd.DataFrame({"structure": names, "metric": DSC, "value": dice_score(prediction, reference)})
    return scores.dropna(subset=["value"], ignore_index=True)


def collect_scores(scored: Iterable[tuple[ScoredScan, pd.DataFrame]]) -> pd.DataFrame:
    """Put the scores of many scans into one table.

    Args:
        scored: Each scan with its scores as :func:`score_prediction` returns them.

    Returns:
        Columns and types of :data:`~faircmr.core.schemas.SCORE_TYPES`, in the order given; no rows
        when nothing was scored.
    """
    pairs = list(scored)
    if not pairs:
        return SCHEMAS["scores"].empty()
    scores = pd.concat([rows for _, rows in pairs], ignore_index=True)
    scans = pd.DataFrame([asdict(scan) for scan, _ in pairs])
    of_row = np.repeat(np.arange(len(pairs)), [len(rows) for _, rows in pairs])
    table = pd.concat([scans.iloc[of_row].reset_index(drop=True), scores], axis="columns")
    return table[list(SCORE_TYPES)].astype(SCORE_TYPES)
