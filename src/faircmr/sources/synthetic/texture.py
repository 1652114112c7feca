"""Smooth random textures in millimetres."""

from __future__ import annotations

import numpy as np

from faircmr.sources.synthetic.fields import Field


def smooth_noise(rng: np.random.Generator, slices: int, size: int, pixels: float) -> Field:
    """Gaussian noise of about unit variance that varies over ``pixels`` pixels within a slice.

    Returns:
        Shape (1, slices, size, size), float32.
    """
    knots = int(np.ceil((size - 1) / pixels)) + 4
    coarse = rng.standard_normal((slices, knots, knots), dtype=np.float32)
    weights = _cubic_weights(size, knots, pixels)
    # cubic B-spline weights shrink the variance by about 0.48 on each axis
    fine: Field = weights @ coarse @ weights.T / np.float32(0.48)
    return fine[None]


def _cubic_weights(size: int, knots: int, pixels: float) -> Field:
    """Weight of each knot at each pixel (uniform cubic B-spline)."""
    position = np.arange(size)[:, None] / pixels + 1.5 - np.arange(knots)[None, :]
    distance = np.abs(position)
    near = (4.0 - 6.0 * distance**2 + 3.0 * distance**3) / 6.0
    far = np.maximum(2.0 - distance, 0.0) ** 3 / 6.0
    return np.where(distance < 1.0, near, far).astype(np.float32)
