"""Tensors of subjects that do not exist: noise of the right shape, which costs a step what a heart costs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faircmr.core.anatomy import Phase
from faircmr.core.randomness import generator
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.preprocessing import structure_areas
from faircmr.segmentation.tensors import Array, SubjectTensors, TensorStore, areas_name, image_name, label_name

SLICES = 2


class SyntheticStore(TensorStore):
    """A tensors folder in memory, in which every subject is found.

    Args:
        plans: Whose patch is the size of an image.
    """

    def __init__(self, plans: Plans) -> None:
        # nothing is read: there is no folder
        self.folder, self.fingerprints, self.code = Path(), {}, ""
        self.plans = plans

    def subject(self, subject_id: str) -> SubjectTensors:
        """Noise, a function of the subject's name."""
        rng = generator(0, "synthetic", subject_id)
        shape = (SLICES, *self.plans.patch)
        image = rng.normal(size=shape).astype(np.float16)
        label = rng.integers(self.plans.classes, size=shape, dtype=np.uint8)
        phase = Phase.ED
        arrays: dict[str, Array] = {
            image_name(phase): image,
            label_name(phase): label,
            areas_name(phase): structure_areas(label),
        }
        return SubjectTensors(subject_id, "", arrays)
