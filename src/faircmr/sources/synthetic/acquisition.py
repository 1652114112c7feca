"""From tissue to image: point spread, coil shading, Rician noise, and a scanner's integers."""

from __future__ import annotations

import math

import numpy as np

from faircmr.sources.synthetic.fields import Field, Stack

FULL_SCALE = 500.0
"""Image value of left-ventricular blood in the middle of the image, of an average gain."""


def acquire(rng: np.random.Generator, signal: Field, stack: Stack) -> Field:
    """Image of a tissue signal, rounded to whole numbers of at least zero.

    Args:
        rng: Draws gain, shading and noise.
        signal: Relative to left-ventricular blood, shape (phases, slices, rows, columns).
        stack: Where the pixels are.
    """
    gain = FULL_SCALE * math.exp(rng.normal(0.0, 0.15))
    noise = 0.03 * math.exp(rng.normal(0.0, 0.15))
    image = _point_spread(signal) * _shading(rng, stack)
    real, imaginary = np.float32(noise) * rng.standard_normal((2, *signal.shape), dtype=np.float32)
    image += real
    measured: Field = np.hypot(image, imaginary, out=image)
    measured *= np.float32(gain)
    return np.rint(measured, out=measured)


def _point_spread(signal: Field) -> Field:
    """Slight blur of the matrix and its filter, 0.7 pixels at full width."""
    side = np.float32(0.12)
    middle = np.float32(1.0) - 2 * side
    rows = middle * signal
    rows[:, :, 1:-1] += side * (signal[:, :, 2:] + signal[:, :, :-2])
    rows[:, :, [0, -1]] += 2 * side * signal[:, :, [0, -1]]
    image: Field = middle * rows
    image[..., 1:-1] += side * (rows[..., 2:] + rows[..., :-2])
    image[..., [0, -1]] += 2 * side * rows[..., [0, -1]]
    return image


def _shading(rng: np.random.Generator, stack: Stack) -> Field:
    """Sensitivity of a surface coil on the chest: stronger towards the upper left, falling with distance."""
    direction = rng.normal(-2.3, 0.5)
    strength = rng.uniform(0.10, 0.30) / 70.0
    curve = rng.uniform(0.0, 0.10) / 70.0**2
    slope = stack.column * np.float32(math.cos(direction)) + stack.row * np.float32(math.sin(direction))
    shading: Field = np.exp(np.float32(strength) * slope - np.float32(curve) * (stack.column**2 + stack.row**2))
    return shading
