"""Volumes of what was found and of what was drawn, and by how much they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faircmr.core.anatomy import Structure
from faircmr.core.structures import ALL_STRUCTURES
from faircmr.core.volumes import structure_volumes
from faircmr.fairness.metrics.label_pair import FloatArray, LabelPair


@dataclass(frozen=True)
class VolumePair:
    """Volumes in millilitres, one a structure, shape ``(structures,)``.

    Attributes:
        predicted: Volume found; 0 where the structure was not found.
        reference: Volume drawn; 0 where the structure was not drawn.
    """

    predicted: FloatArray
    reference: FloatArray

    @property
    def error(self) -> FloatArray:
        """Predicted less drawn, mL: positive is too large. NaN where neither image holds the structure."""
        return np.where(self.predicted + self.reference > 0.0, self.predicted - self.reference, np.nan)

    @property
    def relative_error(self) -> FloatArray:
        """Error over the volume drawn, -1 (missed) and up; NaN where nothing was drawn."""
        return self.error / np.where(self.reference > 0.0, self.reference, np.nan)

    @property
    def missed(self) -> FloatArray:
        """1 where a structure that was drawn was not found, 0 where it was; NaN where it was not drawn."""
        return np.where(self.reference > 0.0, self.predicted == 0.0, np.nan)

    @property
    def invented(self) -> FloatArray:
        """1 where a structure that was not drawn was found, 0 where it was not; NaN where it was drawn."""
        return np.where(self.reference > 0.0, np.nan, self.predicted > 0.0)


def volume_pair(pair: LabelPair, structures: Sequence[Structure] = ALL_STRUCTURES) -> VolumePair:
    """Volumes of structures in both images.

    Args:
        pair: Prediction and reference of one scan.
        structures: Which, in this order.
    """
    found = [list(structure_volumes(label, pair.spacing, structures).values()) for label in pair.heart]
    return VolumePair(*(np.array(volumes) for volumes in found))
