"""Post-processing: keep the largest connected component of structures whose validation DSC rises by it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from faircmr.core import Parameters
from faircmr.core.scans import LabelImage, Structure
from faircmr.segmentation.prediction.calibration import Calibration

Mask = npt.NDArray[np.bool_]
LabelPair = tuple[LabelImage, LabelImage]
"""Predicted and reference label of one scan."""
CONNECTIVITY = np.ones((3, 3, 3), dtype=np.uint8)
"""26-connectivity: voxels that share a face, an edge or a corner are connected."""
UNDECIDED = "no labelled validation scan: nothing is applied"


class StructureDecision(Parameters):
    """Decision whether to keep only the largest component of one structure.

    Attributes:
        structure: Name of a :class:`~faircmr.core.scans.Structure`.
        dsc: Mean DSC of the validation scans without post-processing, 0..1; ``None`` if no scan shows the structure.
        dsc_largest_component: The same with only the largest component.
        applied: Whether only the largest component is kept.
    """

    structure: str
    dsc: float | None = None
    dsc_largest_component: float | None = None
    applied: bool = False


class FoldDecision(Parameters):
    """Decisions on the validation subjects of one fold, for its test subjects.

    Attributes:
        fold: The fold, or ``None`` without cross-validation.
        scans: Predicted validation scans with a label; each counts once for each model.
        unlabelled: Validation scans without a label, which are not used.
        structures: One decision for each structure.
        note: Reason why nothing was decided; otherwise empty.
    """

    fold: int | None = None
    scans: int = Field(ge=0)
    unlabelled: int = Field(default=0, ge=0)
    structures: tuple[StructureDecision, ...] = ()
    note: str = ""

    @property
    def summary(self) -> str:
        """One line for the log."""
        applied = ", ".join(one.structure for one in self.structures if one.applied) or "no structure"
        return self.note or f"largest component of {applied}, decided on {self.scans} predicted validation scans"


class Postprocessing(Parameters):
    """Post-processing of the predictions of one strategy.

    Attributes:
        method: Requested method.
        folds: Decisions; empty with method ``none``.
        calibration: Adjustment of probabilities before they become labels.
    """

    method: Literal["none", "largest_component"]
    folds: tuple[FoldDecision, ...] = ()
    calibration: Calibration = Calibration()

    def structures(self, fold: int | None) -> frozenset[Structure]:
        """Structures of which only the largest component is kept in the test subjects of a fold."""
        return frozenset(
            Structure[one.structure]
            for decision in self.folds
            if decision.fold == fold
            for one in decision.structures
            if one.applied
        )

    def structures_of_all(self) -> frozenset[Structure]:
        """The same if the models of all folds predict together: structures for which the majority of folds apply it."""
        votes = [self.structures(decision.fold) for decision in self.folds]
        return frozenset(one for one in Structure if 2 * sum(one in vote for vote in votes) > len(votes))


def decide_by_structure(
    fold: int | None, predicted: Iterable[LabelPair], structures: Sequence[Structure], unlabelled: int = 0
) -> FoldDecision:
    """Decide for each structure whether its largest component alone is the better prediction.

    A structure's other components go where the mean DSC over validation scans rises by it. nnU-Net does
    the same (connected in 3-D across corners, strictly better, one scan as much as another); before
    that it tries the largest component of all foreground, which is left out here: a heart that was
    found in two parts would lose a ventricle, and stray parts of a structure go by its own component.

    Args:
        fold: Of the validation subjects.
        predicted: Predicted and reference label of each validation scan, shape (slices, rows, columns).
        structures: Of the study.
        unlabelled: Validation scans without a label.

    Source:
        nnU-Net v2 ``determine_postprocessing``.
    """
    scores = np.array([_scores(*pair, structures) for pair in predicted]).reshape(-1, 2, len(structures))
    if not len(scores):
        return FoldDecision(fold=fold, scans=0, unlabelled=unlabelled, note=UNDECIDED)
    decisions = tuple(_structure_decision(one, scores[:, :, index]) for index, one in enumerate(structures))
    return FoldDecision(fold=fold, scans=len(scores), unlabelled=unlabelled, structures=decisions)


def keep_largest(label: LabelImage, structures: Collection[Structure]) -> LabelImage:
    """Keep only the largest component of some structures; the rest of them becomes background.

    Args:
        label: Shape (slices, rows, columns); not modified.
        structures: The structures to reduce.
    """
    kept = label.copy()
    for structure in structures:
        mask = label == structure
        kept[mask & ~largest_component(mask)] = 0
    return kept


def largest_component(mask: Mask) -> Mask:
    """Largest connected component of a mask, shape (slices, rows, columns); of equally large ones, all of them."""
    # imported here because SciPy is needed only after a prediction
    from scipy.ndimage import label

    components, count = label(mask, structure=CONNECTIVITY)
    if count < 2:
        return mask
    sizes = np.bincount(components.ravel())
    sizes[0] = 0
    return np.asarray((sizes == sizes.max())[components])


def _scores(prediction: LabelImage, reference: LabelImage, structures: Sequence[Structure]) -> list[list[float]]:
    """DSC of each structure without post-processing, and of its largest component."""
    masks = [(prediction == structure, reference == structure) for structure in structures]
    return [
        [_dice(mask, truth) for mask, truth in masks],
        [_dice(largest_component(mask), truth) for mask, truth in masks],
    ]


def _dice(predicted: Mask, truth: Mask) -> float:
    """DSC of two masks; NaN if both are empty."""
    total = int(np.count_nonzero(predicted)) + int(np.count_nonzero(truth))
    return 2 * int(np.count_nonzero(predicted & truth)) / total if total else float("nan")


def _structure_decision(structure: Structure, scores: npt.NDArray[np.float64]) -> StructureDecision:
    """Decision on one structure from its DSC in each scan, shape (scans, 2): unchanged, largest component."""
    scored = scores[~np.isnan(scores).any(axis=1)]
    if not len(scored):
        return StructureDecision(structure=structure.name)
    before, after = (float(mean) for mean in scored.mean(axis=0))
    return StructureDecision(structure=structure.name, dsc=before, dsc_largest_component=after, applied=after > before)
