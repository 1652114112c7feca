"""Scores of predictions as one long table: one row a subject, phase, structure and metric."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np
import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.schemas import SCHEMAS, SCORE_TYPES

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
        Columns and types of :data:`~faircmr.core.schemas.SCORE_TYPES`, in the order given; no rows
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
