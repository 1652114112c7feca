"""Who the people of the embedded cohort are; drawn alike in every group."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from faircmr.core.randomness import generator

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
