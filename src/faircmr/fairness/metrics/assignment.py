"""Which structure of the references each predicted structure agrees with best: wrong label values show there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from faircmr.core.anatomy import Structure
from faircmr.core.scan import LabelImage

CLEARLY_BETTER = 0.2
"""Gain in mean DSC from which another assignment is reported.

Two of three structures with swapped values and a true DSC of 0.3 reach it. No assignment gains anything where each
structure has a DSC of at least 2/3: what a predicted structure shares with its own reference it does not share with
another.
"""
_TIE = 1e-9
Counts = npt.NDArray[np.int64]


class Assignment(NamedTuple):
    """The assignment of predicted structures to those of the references that agrees best.

    Attributes:
        structures: For each declared structure, in order, the structure of the references that it agrees with.
        dsc: Mean DSC under this assignment, 0..1.
        declared_dsc: Mean DSC as declared, 0..1.
    """

    structures: tuple[Structure, ...]
    dsc: float
    declared_dsc: float

    @property
    def is_clearly_better(self) -> bool:
        """Whether it gains at least :data:`CLEARLY_BETTER`."""
        return self.dsc - self.declared_dsc >= CLEARLY_BETTER


def confusion_counts(prediction: LabelImage, reference: LabelImage) -> Counts:
    """How many voxels have which two labels, shape (predicted label, label of the reference).

    Args:
        prediction: Values of :class:`~faircmr.core.anatomy.Structure` and 0.
        reference: Same shape.
    """
    size = max(Structure) + 1
    pairs = prediction.ravel().astype(np.intp) * size + reference.ravel()
    return np.bincount(pairs, minlength=size * size).reshape(size, size)


def best_assignment(counts: Counts, structures: Sequence[Structure]) -> Assignment:
    """Find the permutation of the structures under which a prediction agrees best with its reference.

    Args:
        counts: Of :func:`confusion_counts`.
        structures: Those that may be exchanged.

    Returns:
        The declared assignment where no other is better. The mean is of the structures that either image shows; 1 for
        both where neither shows any.
    """
    dice, shown = _dice(counts, list(structures))
    if not shown:
        return Assignment(tuple(structures), 1.0, 1.0)
    from scipy.optimize import linear_sum_assignment

    # of equal sums the declared one
    _, columns = linear_sum_assignment(dice + _TIE * np.eye(len(structures)), maximize=True)
    chosen = tuple(structures[column] for column in columns)
    return Assignment(chosen, float(dice[range(len(columns)), columns].sum()) / shown, float(np.trace(dice)) / shown)


def _dice(counts: Counts, chosen: list[Structure]) -> tuple[npt.NDArray[np.float64], int]:
    """DSC of each predicted structure with each of the reference, 0 where neither is shown, and how many are shown."""
    predicted, drawn = counts.sum(axis=1)[chosen], counts.sum(axis=0)[chosen]
    either = predicted[:, None] + drawn[None, :]
    dice = 2.0 * counts[np.ix_(chosen, chosen)] / np.maximum(either, 1)
    return dice, int(np.count_nonzero(predicted + drawn))
