"""A predicted label image, and what names it in a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from faircmr.core.anatomy import Phase
from faircmr.core.scan import Geometry, LabelImage


class PredictionKey(NamedTuple):
    """Names one prediction: which model (seed, fold) on which scan (subject, phase)."""

    seed: int
    fold: int | None
    subject_id: str
    phase: Phase


def run_name(seed: int, fold: int | None) -> str:
    """Folder of one seed and fold, below models and predictions alike."""
    return f"seed-{seed}" if fold is None else f"seed-{seed}-fold-{fold}"


@dataclass(frozen=True)
class Prediction:
    """What one model says of one scan.

    Attributes:
        subject_id: Study key of the subject.
        phase: Phase of the scan.
        seed: Training seed of the model.
        fold: Fold that the model was not trained on, or ``None`` without cross-validation.
        label: Values of :class:`~faircmr.core.anatomy.Structure` and 0, shape (slices, rows, columns).
        geometry: The source's own grid.
    """

    subject_id: str
    phase: Phase
    seed: int
    fold: int | None
    label: LabelImage = field(repr=False)
    geometry: Geometry = field(repr=False)

    @property
    def key(self) -> PredictionKey:
        """Name of this prediction."""
        return PredictionKey(self.seed, self.fold, self.subject_id, self.phase)


Predictions = Mapping[PredictionKey, Prediction]
"""Predictions by name; from the catalog each is read when it is asked for."""
