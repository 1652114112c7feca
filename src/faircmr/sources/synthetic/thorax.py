"""What surrounds a heart on a short-axis slice: chest wall, lung, liver, stomach, aorta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faircmr.sources.synthetic.fields import Field, Stack, coverage, smooth_maximum
from faircmr.sources.synthetic.painting import disc, paint
from faircmr.sources.synthetic.tissues import FLOWING_BLOOD, Tissues

MUSCLE = 0.24
AIR = 0.0
SCATTER = 4.0
"""Standard deviation in mm of where each neighbour lies."""


@dataclass(frozen=True)
class Thorax:
    """Where the neighbours of a heart lie: column and row of each centre, mm from the left ventricle's.

    Attributes:
        body: Centre of the chest, of which the skin is a circle.
        liver: Centre of the right dome of the diaphragm.
        stomach: Centre of the left dome.
        aorta: Centre of the descending aorta.
    """

    body: tuple[float, float]
    liver: tuple[float, float]
    stomach: tuple[float, float]
    aorta: tuple[float, float]


def draw_thorax(rng: np.random.Generator) -> Thorax:
    """Neighbours of one heart."""
    means = np.array([(38.0, 52.0), (-30.0, 130.0), (54.0, 92.0), (52.0, 44.0)])
    places = means + SCATTER * rng.standard_normal(means.shape).clip(-2.0, 2.0)
    body, liver, stomach, aorta = ((float(column), float(row)) for column, row in places)
    return Thorax(body, liver, stomach, aorta)


def paint_thorax(thorax: Thorax, stack: Stack, tissues: Tissues, coarse: Field, fine: Field) -> Field:
    """Signal around the heart, the same in both phases.

    Args:
        thorax: Where the neighbours lie.
        stack: Where the pixels are, relative to the left ventricle.
        tissues: Signals.
        coarse: Smooth noise of unit variance, shape (1, slices, rows, columns).
        fine: Noise of finer grain, same shape.

    Returns:
        Signal relative to blood, shape (1, slices, rows, columns).
    """
    vessels = 0.16 * (fine - 1.5).clip(0.0, 1.5)
    image: Field = tissues.lung * (1.0 + 0.25 * coarse) + vessels
    _paint_below_the_diaphragm(image, thorax, stack, tissues, coarse)
    paint(image, FLOWING_BLOOD, coverage(disc(stack, thorax.aorta, 10.5), stack.pixel))
    _paint_chest_wall(image, thorax, stack, tissues, coarse)
    return image


def _paint_below_the_diaphragm(image: Field, thorax: Thorax, stack: Stack, tissues: Tissues, coarse: Field) -> None:
    # the diaphragm stands higher near the apex
    rise = 0.12 * stack.depth
    stomach: Field = np.hypot(stack.column - thorax.stomach[0], stack.row - thorax.stomach[1] + rise) - 38.0
    paint(image, tissues.stomach + 0.06 * coarse, coverage(stomach, 1.5 * stack.pixel))
    dome: Field = np.hypot(stack.column - thorax.liver[0], stack.row - thorax.liver[1] + rise) - 84.0
    liver = smooth_maximum(dome, stack.column - 46.0, 12.0)
    vessels = 0.22 * (coarse - 1.4).clip(0.0, 1.0)
    paint(image, tissues.liver + 0.02 * coarse + vessels, coverage(liver, 1.5 * stack.pixel))


def _paint_chest_wall(image: Field, thorax: Thorax, stack: Stack, tissues: Tissues, coarse: Field) -> None:
    """From the inside: muscle with ribs in it, fat below the skin, air."""
    depth = -disc(stack, thorax.body, 122.0)
    wall = tissues.subcutaneous_fat + 10.0
    ribs = 0.22 * (coarse - 0.5).clip(0.0, 1.0)
    paint(image, MUSCLE + ribs, coverage(depth - (wall + coarse), 2.5))
    paint(image, tissues.fat + 0.03 * coarse, coverage(depth - (tissues.subcutaneous_fat + 0.8 * coarse), 3.0))
    paint(image, AIR, coverage(depth, stack.pixel))
