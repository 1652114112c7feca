"""What the embedded cohort is made of: who is in it, on which grid, and how far apart its groups are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from faircmr.core.parameters import Parameters

GROUPS = ("A", "B", "C", "D", "E", "F")
TRAINING_SIZES: Mapping[str, int] = MappingProxyType({"A": 256, "B": 10, "C": 22, "D": 13, "E": 5, "F": 14})
Count = Annotated[int, Field(ge=0)]
ShiftStrength = Annotated[float, Field(ge=0.0, le=1.5, allow_inf_nan=False)]


class GroupSizes(Parameters):
    """Number of training subjects of each group; the default is the imbalance of the UK Biobank (80 % to 1.6 %)."""

    A: Count = TRAINING_SIZES["A"]
    B: Count = TRAINING_SIZES["B"]
    C: Count = TRAINING_SIZES["C"]
    D: Count = TRAINING_SIZES["D"]
    E: Count = TRAINING_SIZES["E"]
    F: Count = TRAINING_SIZES["F"]


class SyntheticParameters(Parameters):
    """Parameters of the embedded cohort.

    Attributes:
        cohort_seed: Draws the people and the direction of each group's shift.
        shift_strength: 0: groups differ in name only; 1: the calibrated shift (``docs/synthetic_cohort.md``).
        training: Subjects of each group meant for training.
        validation_per_group: Subjects added to each group for validation.
        test_per_group: Subjects added to each group for testing.
        size: Rows and columns of every image.
        slices: Short-axis slices of every image.
        spacing: Millimetres between pixels in the plane.
        slice_spacing: Millimetres between slices.
        workers: Processes that write subjects; the images do not depend on it.
    """

    cohort_seed: Count = 0
    shift_strength: ShiftStrength = 1.0
    training: GroupSizes = GroupSizes()
    validation_per_group: Count = 3
    test_per_group: Count = 20
    size: Annotated[int, Field(ge=32, le=512)] = 64
    slices: Annotated[int, Field(ge=3, le=32)] = 9
    spacing: Annotated[float, Field(ge=0.5, le=4.0)] = 2.25
    slice_spacing: Annotated[float, Field(ge=2.0, le=20.0)] = 10.0
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    def source_ids(self) -> tuple[str, ...]:
        """Source ids of the whole cohort, e.g. ``A0001``: the group and a running number within it."""
        extra = self.validation_per_group + self.test_per_group
        sizes = self.training.model_dump()
        return tuple(f"{group}{number:04d}" for group in GROUPS for number in range(1, sizes[group] + extra + 1))
