"""What the embedded cohort is made of: its subjects, its grid, and the distance between its groups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

import numpy as np
from pydantic import Field

from faircmr.core import Parameters, generator

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


CENTRES = ("North", "South", "West")
MISSING_FRACTION = 0.03


@dataclass(frozen=True)
class Person:
    """One person before anything is missing.

    Attributes:
        source_id: Group and running number.
        group: Protected group, the first letter of the id.
        sex: ``female`` or ``male``.
        age: Years.
        height: Centimetres.
        weight: Kilograms.
        centre: Imaging centre (the same scanner everywhere).
        body_size: Body surface area over the mean of the person's sex. Hearts scale with this and not with
            sex, so that nothing in an image depends on sex.
    """

    source_id: str
    group: str
    sex: str
    age: float
    height: float
    weight: float
    centre: str
    body_size: float


def draw_person(cohort_seed: int, source_id: str) -> Person:
    """The person of one source id, a function of the two arguments alone."""
    rng = generator(cohort_seed, "person", source_id)
    male = bool(rng.random() < 0.48)
    height_deviation, bmi_deviation = rng.standard_normal(2).clip(-2.5, 2.5)
    height = (176.0 if male else 163.0) + 6.5 * height_deviation
    bmi = 26.5 + 3.6 * bmi_deviation
    weight = bmi * (height / 100.0) ** 2
    mean_area = _body_surface_area(176.0, 82.1) if male else _body_surface_area(163.0, 70.4)
    return Person(
        source_id=source_id,
        group=source_id[0],
        sex="male" if male else "female",
        age=round(float(np.clip(rng.normal(63.0, 7.5), 45.0, 82.0)), 1),
        height=round(float(height), 1),
        weight=round(float(weight), 1),
        centre=str(rng.choice(CENTRES, p=(0.5, 0.3, 0.2))),
        body_size=_body_surface_area(height, weight) / mean_area,
    )


def recorded_attributes(cohort_seed: int, person: Person) -> dict[str, str | float | None]:
    """The person's row in the demographics table, with about 3 % of age, height, weight and centre missing."""
    missing = generator(cohort_seed, "missing", person.source_id).random(4) < MISSING_FRACTION
    values: dict[str, str | float] = {
        "age": person.age,
        "height": person.height,
        "weight": person.weight,
        "centre": person.centre,
    }
    recorded = {name: None if gone else value for (name, value), gone in zip(values.items(), missing, strict=True)}
    return {"source_id": person.source_id, "group": person.group, "sex": person.sex, **recorded}


def _body_surface_area(height: float, weight: float) -> float:
    """Square metres (Mosteller 1987)."""
    return math.sqrt(height * weight / 3600.0)
