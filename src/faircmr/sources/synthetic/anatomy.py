"""Hearts in millimetres at both phases, on a stack of slices, and how those of the groups differ.

A shift moves the border between what looks like muscle and what is labelled as such, in one of eight directions: each
of three dark layers thicker or thinner. Labels are drawn alike in every group; what differs is how far inside or
outside of them the visible borders lie. A model that has only seen group A cannot know, and misses by that distance;
one that has seen the group can, because the signal of muscle, fat and blood goes with it.

Distances rather than masks, so that the share of a pixel that a tissue fills (partial volume, in the plane and
through the slice) follows without supersampling. Every array is float32 of shape (phases, slices, rows, columns) or
broadcasts to it; phases are ED, ES.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from faircmr.core import generator
from faircmr.sources.synthetic.parameters import GROUPS, SyntheticParameters

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


BASE_FRACTION = 0.2
"""Distance from an ellipsoid's centre up to the base, as a fraction of the ventricle's length."""


@dataclass(frozen=True)
class TruncatedEllipsoid:
    """Half-ellipsoid of revolution with its top cut off at the base.

    The long axis is ``z``, in mm towards the apex, 0 at the end-diastolic base.

    Attributes:
        radius: Semi-axis across, mm.
        base: ``z`` of the base plane, mm.
        centre: ``z`` of the ellipsoid's centre, mm.
        depth: Semi-axis along ``z``, mm: the apex lies at ``centre + depth``.
    """

    radius: float
    base: float
    centre: float
    depth: float

    @property
    def volume(self) -> float:
        """Millilitres between base and apex."""
        return math.pi * self.radius**2 * _volume_factor(self.centre - self.base, self.depth) / 1000.0


@dataclass(frozen=True)
class RightVentricle:
    """Crescent that wraps the septum: an ellipse less the left ventricle, at every height.

    Attributes:
        width: Septum to free wall at the base, mm.
        depth: Distance from the base to where the crescent ends, mm.
        wall: Thickness of the muscle outside the cavity, mm.
        reach: How far the crescent reaches round the left ventricle (1 is the mean).
    """

    width: float
    depth: float
    wall: float
    reach: float


@dataclass(frozen=True)
class Papillary:
    """A papillary muscle.

    Attributes:
        angle: Radians from the middle of the lateral wall.
        offset: Distance from the axis, as a fraction of the cavity's radius.
        depth: Distance of its middle from the base, mm.
    """

    angle: float
    offset: float
    depth: float


@dataclass(frozen=True)
class PhaseAnatomy:
    """Ventricles at one phase: the labelled cavity, the muscle's outside, and the right ventricle."""

    cavity: TruncatedEllipsoid
    epicardium: TruncatedEllipsoid
    right: RightVentricle

    @property
    def myocardial_volume(self) -> float:
        """Millilitres of left-ventricular muscle above the apex and below the base."""
        return self.epicardium.volume - self.cavity.volume


@dataclass(frozen=True)
class Heart:
    """A person's heart, both phases, and how it lies.

    Attributes:
        end_diastole: Anatomy at ED.
        end_systole: Anatomy at ES: same person, about the same muscle volume, base nearer the apex.
        rotation: Radians by which the septum is turned from the image's left.
        centre: Column and row offset of the left ventricle from the image's centre, mm.
        tilt: Column and row millimetres that the axis moves a millimetre towards the apex.
        oval: Relative amplitude and phase (radians) of the second and third harmonic of the outline.
        papillaries: The anterolateral and the posteromedial papillary muscle.
    """

    end_diastole: PhaseAnatomy
    end_systole: PhaseAnatomy
    rotation: float
    centre: tuple[float, float]
    tilt: tuple[float, float]
    oval: tuple[tuple[float, float], tuple[float, float]]
    papillaries: tuple[Papillary, Papillary]

    @property
    def ejection_fraction(self) -> float:
        """Left-ventricular stroke volume over end-diastolic volume."""
        return 1.0 - self.end_systole.cavity.volume / self.end_diastole.cavity.volume


def draw_heart(rng: np.random.Generator, body_size: float) -> Heart:
    """A heart of about normal size and function for a body of the given size (1 is the mean)."""
    scale = body_size ** (1 / 3)
    end_diastole = _draw_end_diastole(rng, scale)
    end_systole = _contracted(rng, end_diastole)
    return Heart(
        end_diastole=end_diastole,
        end_systole=end_systole,
        rotation=float(rng.normal(0.12, 0.2)),
        centre=(float(rng.normal(13.0, 3.0)), float(rng.normal(0.0, 3.0))),
        tilt=(float(rng.normal(0.0, 0.05)), float(rng.normal(0.05, 0.05))),
        oval=(
            (float(rng.uniform(0.01, 0.05)), float(rng.uniform(0.0, 2 * math.pi))),
            (float(rng.uniform(0.0, 0.025)), float(rng.uniform(0.0, 2 * math.pi))),
        ),
        papillaries=(_draw_papillary(rng, -0.95), _draw_papillary(rng, 1.75)),
    )


def _draw_papillary(rng: np.random.Generator, angle: float) -> Papillary:
    return Papillary(
        angle=float(rng.normal(angle, 0.15)), offset=float(rng.uniform(0.5, 0.66)), depth=float(rng.normal(38.0, 4.0))
    )


def _draw_end_diastole(rng: np.random.Generator, scale: float) -> PhaseAnatomy:
    length = 86.0 * scale * rng.normal(1.0, 0.035)
    radius = 24.5 * scale * rng.normal(1.0, 0.045)
    wall = float(np.clip(rng.normal(7.8, 1.1), 5.5, 10.5))
    right = RightVentricle(
        width=float(29.0 * scale * rng.normal(1.0, 0.08)),
        depth=float(length * rng.normal(0.92, 0.025)),
        wall=float(rng.uniform(2.0, 5.0)),
        reach=float(rng.normal(1.0, 0.04)),
    )
    cavity = _ventricle(radius, 0.0, length)
    return PhaseAnatomy(cavity, _ventricle(radius + wall, 0.0, length + 0.7 * wall), right)


def _contracted(rng: np.random.Generator, relaxed: PhaseAnatomy) -> PhaseAnatomy:
    """The same ventricles at ES: the cavity ejects, the muscle keeps its volume, the base moves to the apex."""
    ejection_fraction = float(np.clip(rng.normal(0.60, 0.035), 0.50, 0.70))
    base = float(np.clip(rng.normal(11.5, 1.2), 8.0, 15.0))
    apex = relaxed.cavity.centre + relaxed.cavity.depth - 1.0
    wall = 1.35 * (relaxed.epicardium.radius - relaxed.cavity.radius)
    cavity = _with_volume(relaxed.cavity.volume * (1.0 - ejection_fraction), base, apex)
    # ex-vivo and tagging studies find 0 to 4 % less muscle at ES: blood is squeezed out of it
    muscle = relaxed.myocardial_volume * float(rng.normal(0.98, 0.01))
    epicardium = _with_volume(cavity.volume + muscle, base, apex + 0.7 * wall)
    right = RightVentricle(
        width=relaxed.right.width * float(rng.normal(0.70, 0.03)),
        depth=relaxed.right.depth - base,
        wall=relaxed.right.wall * 1.2,
        reach=relaxed.right.reach * 0.97,
    )
    return PhaseAnatomy(cavity, epicardium, right)


def _ventricle(radius: float, base: float, apex: float) -> TruncatedEllipsoid:
    centre = base + BASE_FRACTION * (apex - base)
    return TruncatedEllipsoid(float(radius), base, float(centre), float(apex - centre))


def _with_volume(millilitres: float, base: float, apex: float) -> TruncatedEllipsoid:
    """The ventricle between two heights that holds so much."""
    unit = _ventricle(1.0, base, apex)
    return _ventricle(math.sqrt(millilitres / unit.volume), base, apex)


def _volume_factor(height: float, depth: float) -> float:
    """Volume of a truncated ellipsoid over pi r^2: its height below the centre and above it, each integrated."""
    return 2.0 * depth / 3.0 + height - height**3 / (3.0 * depth**2)


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
