"""One person's heart in millimetres: two truncated ellipsoids and a crescent, at end diastole and end systole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

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
