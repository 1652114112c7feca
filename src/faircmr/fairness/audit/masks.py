"""Scores of anybody's masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import pandas as pd
from pydantic import PositiveInt, model_validator

from faircmr.core.anatomy import Structure
from faircmr.core.mask_pairs import MaskPairs
from faircmr.core.parameters import Parameters
from faircmr.fairness.metrics.scan import Metric, score_scan


class MaskLabels(Parameters):
    """Value of each structure in the masks; 0 is background.

    Attributes:
        LVBP: Left-ventricular blood pool.
        LVM: Left-ventricular myocardium.
        RVBP: Right-ventricular blood pool.
    """

    LVBP: PositiveInt = 1
    LVM: PositiveInt = 2
    RVBP: PositiveInt = 3

    @model_validator(mode="after")
    def _are_different(self) -> Self:
        if len(self.values) < len(type(self).model_fields):
            raise ValueError("two structures have one value")
        return self

    @property
    def values(self) -> Mapping[int, Structure]:
        """Structure of each value."""
        return {value: Structure[name] for name, value in self.model_dump().items()}


def score_masks(pairs: MaskPairs, labels: MaskLabels) -> pd.DataFrame:
    """Score each pair of masks by every metric.

    Args:
        pairs: Predictions and references.
        labels: What their values stand for.

    Returns:
        A long table for :func:`~faircmr.fairness.audit.audit.audit`: ``case`` (name of the file), ``structure``,
        ``metric``, ``value``. A structure that no reference shows has no rows: nobody has drawn it, and what was
        predicted of it is neither right nor wrong.

    Raises:
        InvalidScanError: A mask cannot be used.
    """
    parts = [
        score_scan(prediction, reference, spacing).assign(case=name)
        for name, prediction, reference, spacing in pairs.pairs(labels.values)
    ]
    scores = pd.concat(parts, ignore_index=True)
    drawn = scores[(scores["metric"] == Metric.REFERENCE_VOLUME) & (scores["value"] > 0.0)]
    kept = scores["structure"].isin(drawn["structure"])
    return scores.loc[kept, ["case", "structure", "metric", "value"]].reset_index(drop=True)
