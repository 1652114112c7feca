"""Cardiac phases and structures, and what the values of a label image mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Phase(StrEnum):
    """Phase of the cardiac cycle."""

    ED = "ED"
    """End diastole."""
    ES = "ES"
    """End systole."""


class Structure(IntEnum):
    """Segmented structure; the value is its label in tensors and predictions (0 is background)."""

    LVBP = 1
    """Left-ventricular blood pool."""
    LVM = 2
    """Left-ventricular myocardium."""
    RVBP = 3
    """Right-ventricular blood pool."""


class NoStructure(IntEnum):
    """Meaning of a value that is not one of the study's structures; the number marks such voxels after reading.

    A source may use both in its ``label_values``, next to structures.
    """

    LEFT_OUT = 253
    """Drawn, but not a structure of this study (atrium, scar): counts as background."""
    UNANNOTATED = 254
    """Nobody has decided what is there (the label ``ignore`` of nnU-Net v2): neither background nor a structure."""


LabelValues = Mapping[int, Structure | NoStructure]
"""Meaning of each value of a label image; 0 is background, and several values may mean the same."""
HIGHEST_VALUE = 65_535
"""Largest value of a label image that can be declared."""


@dataclass(frozen=True)
class PairCoding:
    """Meaning of the values in predictions and in references, which may be coded differently.

    Attributes:
        predictions: Of the masks that a model made.
        references: Of the masks that were drawn.
    """

    predictions: LabelValues
    references: LabelValues
