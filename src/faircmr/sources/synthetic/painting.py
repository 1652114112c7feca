"""Covering an image with tissues, each by its share of the pixel."""

from __future__ import annotations

import numpy as np

from faircmr.sources.synthetic.fields import Field, Stack


def paint(image: Field, tissue: float | Field, share: Field) -> None:
    """Cover ``image`` with a tissue by the share of the pixel that it fills, in place."""
    covering = tissue - image
    covering *= share
    image += covering


def disc(stack: Stack, centre: tuple[float, float], radius: float) -> Field:
    """Signed distance in mm to a circle about ``centre`` (column, row)."""
    distance: Field = np.hypot(stack.column - centre[0], stack.row - centre[1])
    distance -= radius
    return distance
