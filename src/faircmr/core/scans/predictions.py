"""Predicted label images of a study, and pairs of predicted and reference masks from other models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from faircmr.core import Omission
from faircmr.core.scans.anatomy import PairCoding, Phase
from faircmr.core.scans.cohort import Geometry, LabelImage
from faircmr.core.scans.grids import AS_STORED

ENSEMBLE = "ensemble"
"""In the place of a seed, where the models of all seeds predicted together."""


class PredictionKey(NamedTuple):
    """Names one prediction: which model (seed, fold) on which scan (subject, phase).

    ``seed`` is ``None`` where the models of all seeds predicted together.
    """

    seed: int | None
    fold: int | None
    subject_id: str
    phase: Phase


def run_name(seed: int | None, fold: int | None) -> str:
    """Folder of one seed (or of all together) and fold, below models and predictions alike."""
    who = ENSEMBLE if seed is None else f"seed-{seed}"
    return who if fold is None else f"{who}-fold-{fold}"


@dataclass(frozen=True)
class Prediction:
    """What one model says of one scan.

    Attributes:
        subject_id: Study key of the subject.
        phase: Phase of the scan.
        seed: Training seed of the model, or ``None`` where those of all seeds predicted together.
        fold: Fold that the model was not trained on, or ``None`` without cross-validation.
        label: Values of :class:`~faircmr.core.scans.Structure` and 0, shape (slices, rows, columns).
        geometry: The source's own grid.
        model: Which of the models of this seed and fold said so: ``shared``, the group that it serves, or ``weighed``.
    """

    subject_id: str
    phase: Phase
    seed: int | None
    fold: int | None
    label: LabelImage = field(repr=False)
    geometry: Geometry = field(repr=False)
    model: str = "shared"

    @property
    def key(self) -> PredictionKey:
        """Name of this prediction."""
        return PredictionKey(self.seed, self.fold, self.subject_id, self.phase)


Predictions = Mapping[PredictionKey, Prediction]
"""Predictions by name; from the catalog each is read when it is asked for."""


def predicted_scans(predictions: Iterable[PredictionKey]) -> int:
    """How many scans have a prediction, each counted once whatever the number of training seeds."""
    return len({(key.subject_id, key.phase) for key in predictions})


def unscored_scans(unlabelled: int, predicted: int) -> list[Omission]:
    """Scans with a prediction and without a reference; none where there are no such scans."""
    if not unlabelled:
        return []
    return [Omission("predicted scans", unlabelled, predicted, "no reference label", outcome="not scored")]


Spacing = tuple[float, float, float]


class MaskPair(NamedTuple):
    """A prediction and its reference.

    Attributes:
        prediction: Values of ``Structure``, 0, and of ``NoStructure`` where voxels are left out, on the grid of the
            reference.
        reference: The same, and ``NoStructure`` too where voxels are not annotated.
        spacing: Millimetres between slices, rows and columns.
        grid: How the prediction was stored, as :attr:`faircmr.core.scans.grids.Placement.kind`.
    """

    prediction: LabelImage
    reference: LabelImage
    spacing: Spacing
    grid: str = AS_STORED


ReadPair = Callable[[PairCoding], MaskPair]


@dataclass(frozen=True)
class MaskPairs:
    """Two folders of masks, matched by file name.

    Attributes:
        readers: For each file name, what reads its masks.
        omissions: Masks that only one of the two folders has, of each folder.
    """

    readers: Mapping[str, ReadPair]
    omissions: tuple[Omission, ...] = ()

    def pairs(self, coding: PairCoding) -> Iterator[tuple[str, MaskPair]]:
        """File name and masks of each pair, one in memory at a time.

        Args:
            coding: Meaning of each value of the masks; 0 is background.

        Raises:
            InvalidScanError: A file cannot be used, holds another value, or both do not lie on one grid.
        """
        for name, read in self.readers.items():
            yield name, read(coding)
