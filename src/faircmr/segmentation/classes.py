"""Classes of a network: background, then the structures of its study, without a gap where others are left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faircmr.core.anatomy import Structure
from faircmr.core.scan import LabelImage


def classes_of(label: LabelImage, structures: Sequence[Structure]) -> LabelImage:
    """Class of each voxel of a drawn label; what is no structure of the study is background.

    Args:
        label: Values of :class:`~faircmr.core.anatomy.Structure` and 0, any shape.
        structures: Of the study, in the order of their values.
    """
    table = np.zeros(max(Structure) + 1, dtype=np.uint8)
    table[list(structures)] = np.arange(1, len(structures) + 1)
    return np.asarray(table[label])


def structures_in(classes: LabelImage, structures: Sequence[Structure]) -> LabelImage:
    """Structure of each voxel, from its class: the way back from :func:`classes_of`."""
    return np.asarray(np.array([0, *structures], dtype=np.uint8)[classes])
