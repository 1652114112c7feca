"""A heart on a stack of slices, as signed distances: millimetres to each border, negative inside.

Distances rather than masks, so that the share of a pixel that a tissue fills (partial volume, in the plane and
through the slice) follows without supersampling. Every array is float32 of shape (phases, slices, rows, columns) or
broadcasts to it; phases are ED, ES.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faircmr.sources.synthetic.anatomy import Heart, Papillary, PhaseAnatomy, TruncatedEllipsoid
from faircmr.sources.synthetic.parameters import SyntheticParameters

Field = npt.NDArray[np.floating]
MAXIMUM_SLOPE = 1.5
"""Millimetres that a border may move across a millimetre of depth before its blur stops growing (near the apex)."""


@dataclass(frozen=True)
class Stack:
    """Where the pixels of a stack of slices are, in mm from the left ventricle's base at end diastole.

    Attributes:
        column: Column position, shape (1, slices, 1, columns): each breath-hold displaces its slice.
        row: Row position, shape (1, slices, rows, 1).
        depth: Distance of each slice from the end-diastolic base towards the apex, shape (1, slices, 1, 1).
        pixel: Pixel size, mm.
        thickness: Slice thickness, mm.
    """

    column: Field
    row: Field
    depth: Field
    pixel: float
    thickness: float


@dataclass(frozen=True)
class HeartFields:
    """Signed distances in mm to the borders of a heart.

    Attributes:
        cavity: Left-ventricular cavity as labelled.
        epicardium: Outside of the left-ventricular muscle.
        free_wall: Right-ventricular free wall, as if the crescent were a full ellipse.
        right: Right-ventricular cavity as labelled.
        right_wall: Thickness of the right ventricle's muscle, mm; shape (phases, 1, 1, 1).
        base: Base plane, positive on the atrial side; shape (phases, slices, 1, 1).
        blur: Width in mm over which the left-ventricular borders fade in a slice; shape as ``base``.
        across: Position across the septum (negative towards the right ventricle), mm from the ventricle's axis.
        along: Position along the septum, mm from the ventricle's axis.
        cavity_radius: Mean radius of the labelled cavity in the slice, mm; shape as ``base``.
        papillaries: The papillary muscles of the left ventricle.
    """

    cavity: Field
    epicardium: Field
    free_wall: Field
    right: Field
    right_wall: Field
    base: Field
    blur: Field
    across: Field
    along: Field
    cavity_radius: Field
    papillaries: tuple[Papillary, Papillary]


def draw_stack(rng: np.random.Generator, parameters: SyntheticParameters, heart: Heart) -> Stack:
    """Place the stack over a heart; each slice is a breath-hold of its own, in which both phases are seen."""
    slices, size = parameters.slices, parameters.size
    cavity = heart.end_diastole.cavity
    middle = 0.5 * (cavity.centre + cavity.depth) + rng.normal(1.5, 1.0)
    depth = middle + (np.arange(slices) - (slices - 1) / 2) * parameters.slice_spacing
    position = (np.arange(size) - (size - 1) / 2) * parameters.spacing
    breathing = rng.normal(0.0, 1.0, (2, slices)).clip(-2.5, 2.5) * ((0.7,), (1.4,))
    return Stack(
        column=(position - heart.centre[0] - breathing[0, :, None, None])[None].astype(np.float32),
        row=(position[:, None] - heart.centre[1] - breathing[1, :, None, None])[None].astype(np.float32),
        depth=depth.reshape(1, slices, 1, 1).astype(np.float32),
        pixel=parameters.spacing,
        thickness=0.8 * parameters.slice_spacing,
    )


def heart_fields(heart: Heart, stack: Stack) -> HeartFields:
    """Signed distances of a heart on a stack of slices."""
    across, along = _heart_coordinates(heart, stack)
    distance = np.hypot(across, along)
    outline = _outline(heart, across, along, distance)
    cavity_radius, slope = _radius(heart, stack, lambda phase: phase.cavity)
    epicardial_radius, _ = _radius(heart, stack, lambda phase: phase.epicardium)
    epicardium = distance - epicardial_radius * outline
    free_wall = _free_wall(heart, stack, epicardial_radius, across, along)
    return HeartFields(
        cavity=distance - cavity_radius * outline,
        epicardium=epicardium,
        free_wall=free_wall,
        right=smooth_maximum(free_wall, -epicardium, 5.0),
        right_wall=_per_phase(heart, lambda phase: phase.right.wall),
        base=_per_phase(heart, lambda phase: phase.cavity.base) - stack.depth,
        blur=np.hypot(0.5 * stack.thickness * slope, stack.pixel, dtype=np.float32),
        across=across,
        along=along,
        cavity_radius=cavity_radius,
        papillaries=heart.papillaries,
    )


def coverage(signed_distance: Field, blur: Field | float) -> Field:
    """Share of a pixel inside a border: 1 deep inside, 0 outside, a ramp as wide as ``blur`` between."""
    share: Field = signed_distance / blur
    np.subtract(0.5, share, out=share)
    return share.clip(0.0, 1.0, out=share)


def smooth_maximum(first: Field, second: Field, width: float) -> Field:
    """Maximum with its crease rounded over ``width`` mm: the intersection of two shapes without a sharp corner."""
    overlap: Field = np.abs(first - second)
    overlap *= -1.0 / width
    overlap += 1.0
    np.maximum(overlap, 0.0, out=overlap)
    overlap *= overlap
    overlap *= width / 4.0
    overlap += np.maximum(first, second)
    return overlap


def _heart_coordinates(heart: Heart, stack: Stack) -> tuple[Field, Field]:
    column, row = stack.column - heart.tilt[0] * stack.depth, stack.row - heart.tilt[1] * stack.depth
    cosine, sine = math.cos(heart.rotation), math.sin(heart.rotation)
    across: Field = column * cosine + row * sine
    along: Field = row * cosine - column * sine
    return across, along


def _outline(heart: Heart, across: Field, along: Field, distance: Field) -> Field:
    """Radius of the outline over its mean: a circle with a second and a third harmonic."""
    scale = 1.0 / np.maximum(distance, 0.1)
    unit = (across + 1j * along) * scale
    outline = np.ones_like(distance)
    power = unit
    for amplitude, phase in heart.oval:
        power = power * unit
        outline += (power * np.complex64(amplitude * np.exp(-1j * phase))).real
    return outline


def _radius(
    heart: Heart, stack: Stack, ellipsoid_of: Callable[[PhaseAnatomy], TruncatedEllipsoid]
) -> tuple[Field, Field]:
    """Radius of an ellipsoid in each slice (negative beyond the apex) and its slope along the axis."""
    radius = _per_phase(heart, lambda phase: ellipsoid_of(phase).radius)
    centre = _per_phase(heart, lambda phase: ellipsoid_of(phase).centre)
    depth = _per_phase(heart, lambda phase: ellipsoid_of(phase).depth)
    height = (stack.depth - centre) / depth
    square = 1.0 - height * height
    section: Field = np.sqrt(np.abs(square)) * np.sign(square)
    slope: Field = radius / depth * np.abs(height) / np.maximum(np.abs(section), 0.05)
    return radius * section, slope.clip(0.0, MAXIMUM_SLOPE)


def _free_wall(heart: Heart, stack: Stack, epicardial_radius: Field, across: Field, along: Field) -> Field:
    """Distance to the ellipse whose part outside the left ventricle is the crescent."""
    base = _per_phase(heart, lambda phase: phase.cavity.base)
    width = _per_phase(heart, lambda phase: phase.right.width)
    depth = _per_phase(heart, lambda phase: phase.right.depth)
    reach = _per_phase(heart, lambda phase: phase.right.reach)
    fraction = ((stack.depth - base) / depth).clip(0.0, 1.5)
    bulge = width * (1.0 - fraction**2)
    inner = epicardial_radius.clip(0.0)
    semi_across = (0.5 * (bulge + 0.95 * inner)).clip(1.0)
    semi_along = (0.66 * (inner + bulge) * reach).clip(1.0)
    u = (across + (inner + bulge - semi_across)) / semi_across
    v = along / semi_along
    level = np.hypot(u, v)
    # first-order distance: the ellipse's equation over the length of its gradient
    gradient = np.hypot(u / semi_across, v / semi_along)
    distance: Field = (level - 1.0) * level / np.maximum(gradient, 1e-3)
    return distance


def _per_phase(heart: Heart, value: Callable[[PhaseAnatomy], float]) -> Field:
    values = (value(heart.end_diastole), value(heart.end_systole))
    return np.array(values, dtype=np.float32).reshape(2, 1, 1, 1)
