"""Scores of anybody's masks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from faircmr.core.label_coding import NoStructure
from faircmr.core.mask_pairs import MaskPair, MaskPairs
from faircmr.fairness.audit.mask_labels import SIDES, MaskLabels
from faircmr.fairness.audit.mask_notes import MaskTally
from faircmr.fairness.metrics.label_pair import LabelPair
from faircmr.fairness.metrics.scan import Metric, score_pair

OF_ANNOTATED_VOXELS = (Metric.DSC, Metric.MISSED, Metric.INVENTED)
"""Metrics that mean the same where part of a scan is not annotated; volumes and distances need the whole structure."""


class MaskScores(NamedTuple):
    """Scores of pairs of masks.

    Attributes:
        scores: Long, for :func:`~faircmr.fairness.audit.audit.audit`: ``case`` (name of the file), ``structure``,
            ``metric``, ``value``. A structure that no reference shows has no rows: nobody has drawn it, and what was
            predicted of it is neither right nor wrong.
        notes: Sentences about what is left out and what seems to be declared wrongly, without any name.
    """

    scores: pd.DataFrame
    notes: tuple[str, ...]


def score_masks(pairs: MaskPairs, labels: MaskLabels) -> MaskScores:
    """Score each pair of masks by every metric.

    Args:
        pairs: Predictions and references.
        labels: What their values mean.

    Raises:
        InvalidScanError: A mask cannot be used.
    """
    tally = MaskTally(labels)
    parts = [_scores(pair, tally).assign(case=name) for name, pair in pairs.pairs(labels.coding)]
    scores = pd.concat(parts, ignore_index=True)
    kept = scores["structure"].isin([structure.name for structure in tally.drawn()])
    table = scores.loc[kept, ["case", "structure", "metric", "value"]].reset_index(drop=True)
    return MaskScores(table, tuple(tally.notes()))


def _scores(masks: MaskPair, tally: MaskTally) -> pd.DataFrame:
    """Scores of one pair, of annotated voxels and the structures that are to be scored."""
    tally.grids[masks.grid] += 1
    prediction, reference = masks.prediction, masks.reference
    excluded = False
    if max(image.max(initial=0) for image in (prediction, reference)) >= min(NoStructure):
        unannotated = reference == NoStructure.UNANNOTATED
        excluded = bool(unannotated.any())
        if excluded:
            tally.add_unannotated(unannotated)
        prediction, reference = (
            tally.without_left_out(side, np.where(unannotated, 0, image).astype(np.uint8))
            for side, image in zip(SIDES, (prediction, reference), strict=True)
        )
    pair = LabelPair(prediction, reference, masks.spacing)
    tally.add(*pair.heart)
    rows = score_pair(pair, tally.labels.scored)
    return rows[rows["metric"].isin(OF_ANNOTATED_VOXELS)] if excluded else rows
