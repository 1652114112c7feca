"""Where the embedded cohort's slices lie in the scanner: a double-oblique short-axis stack."""

from __future__ import annotations

import numpy as np

from faircmr.core.scan import Geometry
from faircmr.sources.synthetic.parameters import SyntheticParameters

MILLIMETRES = 2
SCANNER = 1
COLUMN_DIRECTION = (-0.72, -0.66, -0.20)
"""Direction in which columns count (towards the lateral wall), in NIfTI's right-anterior-superior coordinates."""
LONG_AXIS = (-0.64, 0.54, -0.55)
"""Direction from base to apex: left, forward, down."""


def stack_geometry(parameters: SyntheticParameters) -> Geometry:
    """Grid of every image of the cohort: slices from base to apex, the stack's middle at the isocentre."""
    shape = (parameters.slices, parameters.size, parameters.size)
    spacing = (parameters.slice_spacing, parameters.spacing, parameters.spacing)
    directions = _directions()
    scaled = directions * np.array(spacing[::-1])
    affine = np.eye(4)
    affine[:3, :3] = scaled
    affine[:3, 3] = -scaled @ ((np.array(shape[::-1]) - 1) / 2)
    matrix = tuple(tuple(float(value) for value in row) for row in affine)
    # slices from base to apex, columns to the lateral wall and rows downwards form a left-handed system
    handedness = float(np.sign(np.linalg.det(directions)))
    pixdim = (handedness, *spacing[::-1], 0.0, 0.0, 0.0, 0.0)
    return Geometry(shape, spacing, matrix, SCANNER, matrix, SCANNER, pixdim, MILLIMETRES)


def _directions() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Unit vectors of columns, rows and slices as the columns of a matrix."""
    slices = np.array(LONG_AXIS) / np.linalg.norm(LONG_AXIS)
    columns = np.array(COLUMN_DIRECTION) - np.dot(COLUMN_DIRECTION, slices) * slices
    columns /= np.linalg.norm(columns)
    return np.stack([columns, np.cross(columns, slices), slices], axis=1)
