"""Overlap of two label images, one structure at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faircmr.core.anatomy import Structure
from faircmr.core.errors import InvalidScoresError
from faircmr.core.scan import LabelImage
from faircmr.core.structures import ALL_STRUCTURES


def dice_score(
    prediction: LabelImage, reference: LabelImage, structures: Sequence[Structure] = ALL_STRUCTURES
) -> npt.NDArray[np.float64]:
    """Dice similarity coefficient of whole volumes, ``2 |P and R| / (|P| + |R|)``.

    Args:
        prediction: Label image, any shape; every slice of a scan counts together.
        reference: Label image of the same shape.
        structures: Structures to score.

    Returns:
        One value in 0..1 a structure, shape ``(structures,)``. A structure that only one of the two
        holds (missed or invented) scores 0. One that neither holds scores NaN: there was nothing to
        find and nothing was claimed, so that it is evidence neither for the model nor against it.

    Raises:
        InvalidScoresError: The shapes differ.

    Source:
        Dice 1945; computed in 3-D, as nnU-Net and the ACDC challenge do.
    """
    if prediction.shape != reference.shape:
        raise InvalidScoresError("prediction", prediction.shape, f"the shape of its reference, {reference.shape}")
    return np.array([_overlap(prediction == structure, reference == structure) for structure in structures])


def _overlap(predicted: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    total = int(np.count_nonzero(predicted)) + int(np.count_nonzero(true))
    if total == 0:
        return float("nan")
    return 2 * int(np.count_nonzero(predicted & true)) / total
