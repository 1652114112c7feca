"""How the groups of the embedded cohort differ: one signed length on each of three axes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shift:
    """Displacement of a group from group A, which has none.

    Each axis moves the border between what looks like muscle and what is labelled, by so many millimetres, and an
    appearance that goes with it and by which it can be told.

    Attributes:
        trabeculation: Thickness of the dark trabeculated layer inside the left-ventricular blood pool, mm.
        epicardium: Thickness of the dark layer outside the left-ventricular myocardium, mm.
        rv_trabeculation: Thickness of the dark layer inside the right-ventricular blood pool, mm.
    """

    trabeculation: float = 0.0
    epicardium: float = 0.0
    rv_trabeculation: float = 0.0


def group_shift(cohort_seed: int, group: str, strength: float) -> Shift:
    return Shift()
