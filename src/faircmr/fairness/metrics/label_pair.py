"""A predicted and a drawn label image of one scan, checked once and cropped to what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import hypot

import numpy as np
import numpy.typing as npt

from faircmr.core.anatomy import Structure
from faircmr.core.errors import InvalidScoresError
from faircmr.core.mask_pairs import Spacing
from faircmr.core.scan import Box3d, LabelImage, extent
from faircmr.core.structures import ALL_STRUCTURES

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelPair:
    """What a model found and what an expert drew, on one grid.

    Attributes:
        prediction: Values of :class:`~faircmr.core.anatomy.Structure` and 0, shape (slices, rows, columns).
        reference: As ``prediction``, same shape.
        spacing: Millimetres between slices, rows and columns, each more than 0.

    Raises:
        InvalidScoresError: The grids differ, an image is not 3-D or holds a label that is no structure, or the
            spacing is not three lengths.
    """

    prediction: LabelImage
    reference: LabelImage
    spacing: Spacing

    def __post_init__(self) -> None:
        _check_labels("prediction", self.prediction)
        _check_labels("reference", self.reference)
        if self.prediction.shape != self.reference.shape:
            permitted = f"the shape of its reference, {self.reference.shape}"
            raise InvalidScoresError("prediction", self.prediction.shape, permitted, "resample it to the source's grid")
        lengths = np.asarray(self.spacing, dtype=np.float64)
        if lengths.shape != (3,) or not ((lengths > 0.0) & (lengths < np.inf)).all():
            permitted = "three lengths in mm, each more than 0: between slices, rows and columns"
            raise InvalidScoresError("spacing", self.spacing, permitted)

    @property
    def diagonal(self) -> float:
        """Millimetres from one corner of the image to the opposite one: more than between any two of its voxels."""
        return hypot(*(size * length for size, length in zip(self.reference.shape, self.spacing, strict=True)))

    @cached_property
    def heart(self) -> tuple[LabelImage, LabelImage]:
        """Prediction and reference, cropped to the smallest box that holds all labels of both."""
        box = _box((self.prediction != 0) | (self.reference != 0))
        return self.prediction[box], self.reference[box]

    def masks(self, structures: Sequence[Structure] = ALL_STRUCTURES) -> list[tuple[Mask, Mask]]:
        """Predicted and drawn voxels of each structure, cropped to the smallest box that holds both."""
        prediction, reference = self.heart
        pairs = [(prediction == structure, reference == structure) for structure in structures]
        boxes = [_box(predicted | drawn) for predicted, drawn in pairs]
        return [(predicted[box], drawn[box]) for (predicted, drawn), box in zip(pairs, boxes, strict=True)]


def _box(shown: Mask) -> Box3d:
    in_plane = np.any(shown, axis=0)
    slices, rows, columns = np.any(shown, axis=(1, 2)), np.any(in_plane, axis=1), np.any(in_plane, axis=0)
    return extent(slices), extent(rows), extent(columns)


def _check_labels(name: str, image: LabelImage) -> None:
    if image.ndim != 3 or not image.size:
        raise InvalidScoresError(name, f"shape {image.shape}", "a volume of slices, rows and columns")
    if not np.issubdtype(image.dtype, np.integer):
        raise InvalidScoresError(name, f"values of type {image.dtype}", "whole numbers", "convert it to uint8")
    if image.min() < 0 or image.max() > max(Structure):
        permitted = f"labels 0..{max(Structure).value}"
        raise InvalidScoresError(name, "a label that is no structure", permitted, "map its labels to the project's")
