"""How the groups of the embedded cohort differ: by a known distance, in a direction that the cohort seed draws.

A shift moves the border between what looks like muscle and what is labelled as such, in one of eight directions: each
of three dark layers thicker or thinner. Labels are drawn alike in every group; what differs is how far inside or
outside of them the visible borders lie. A model that has only seen group A cannot know, and misses by that distance;
one that has seen the group can, because the signal of muscle, fat and blood goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from faircmr.core.randomness import generator
from faircmr.sources.synthetic.parameters import GROUPS

REFERENCE_GROUP, *SHIFTED_GROUPS = GROUPS
Direction = tuple[int, int, int]
"""Thinner (-1) or thicker (1) on each axis of :class:`Shift`."""

LENGTHS: Mapping[Direction, float] = MappingProxyType(
    {
        (-1, -1, -1): 2.05,
        (-1, -1, 1): 1.96,
        (-1, 1, -1): 2.31,
        (-1, 1, 1): 1.69,
        (1, -1, -1): 1.82,
        (1, -1, 1): 1.83,
        (1, 1, -1): 2.36,
        (1, 1, 1): 1.62,
    }
)
"""Mean of the three displacements in mm at which a model that knows only group A loses 8.5 DSC points.

Measured by ``benchmarks/calibrate_shift.py response``; ``docs/synthetic_cohort.md`` has the result.
"""
DIRECTIONS = tuple(LENGTHS)
UNEVENNESS = 0.15
"""Largest relative deviation of one axis from the mean displacement, before normalisation."""


@dataclass(frozen=True)
class Shift:
    """Displacement of a group from group A, which has none.

    Attributes:
        trabeculation: Thickness of the dark trabeculated layer inside the left-ventricular blood pool, mm.
        epicardium: Thickness of the dark layer outside the left-ventricular myocardium, mm.
        rv_trabeculation: Thickness of the dark layer inside the right-ventricular blood pool, mm.
    """

    trabeculation: float = 0.0
    epicardium: float = 0.0
    rv_trabeculation: float = 0.0


def group_shift(cohort_seed: int, group: str, strength: float) -> Shift:
    """Shift of a group; no two groups of a cohort go in the same direction.

    Args:
        cohort_seed: Draws the directions.
        group: ``A`` (never shifted) to ``F``.
        strength: 0: no shift; 1: the calibrated one.
    """
    if group == REFERENCE_GROUP:
        return Shift()
    rng = generator(cohort_seed, "shift")
    order = rng.permutation(len(DIRECTIONS))
    unevenness = rng.uniform(-UNEVENNESS, UNEVENNESS, (len(SHIFTED_GROUPS), 3))
    index = SHIFTED_GROUPS.index(group)
    weights = 1.0 + unevenness[index]
    return directed_shift(DIRECTIONS[order[index]], weights / weights.mean(), strength)


def directed_shift(direction: Direction, weights: npt.ArrayLike, strength: float) -> Shift:
    """Shift of the calibrated length in a direction.

    Args:
        direction: Sign of each axis.
        weights: Share of each axis, mean 1.
        strength: Factor on the calibrated length.
    """
    displacements = strength * LENGTHS[direction] * np.array(direction) * np.asarray(weights)
    return Shift(*(float(displacement) for displacement in displacements))
