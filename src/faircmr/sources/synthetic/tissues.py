"""Tissues on a short-axis slice: the heart, what surrounds it, and their signal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faircmr.sources.synthetic.anatomy import Field, HeartFields, Papillary, Shift, Stack, coverage, smooth_maximum


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


FLOWING_BLOOD = 0.72
"""Signal of blood in atria and great vessels, where fast flow through the slice dephases it."""
# Millimetres in group A; a shift may take almost all of it away.
MEAN_TRABECULATION = 2.8
MEAN_EPICARDIUM = 2.5
MEAN_RV_TRABECULATION = 2.9
# Appearance that goes with a millimetre of displacement, and by which a group can be told.
MYOCARDIUM_PER_MM = 0.04
FAT_PER_MM = 0.06
RV_BLOOD_PER_MM = -0.05
PROMINENCE_PER_MM = 0.3
"""Relative."""


@dataclass(frozen=True)
class Tissues:
    """Signals relative to left-ventricular blood (balanced SSFP: blood and fat bright, muscle dark), lengths in mm.

    Attributes:
        myocardium: Signal of muscle of both ventricles and of trabeculae.
        rv_blood: Signal of right-ventricular blood.
        fat: Signal of epicardial and subcutaneous fat.
        liver: Signal of the liver.
        stomach: Signal of what lies below the lateral wall.
        lung: Signal of the lung.
        trabeculation: Thickness of the dark layer within the labelled left-ventricular cavity.
        epicardium: Thickness of the dark layer outside the labelled muscle, on the free wall.
        rv_trabeculation: Thickness of the dark layer within the labelled right-ventricular cavity, on the free wall.
        papillary: Radius of the papillary muscles.
        rv_bands: Contrast of the muscle bands that cross the right ventricle, 0..1.
        epicardial_fat: Thickness of the fat around the heart.
        subcutaneous_fat: Thickness of the fat below the skin.
    """

    myocardium: float
    rv_blood: float
    fat: float
    liver: float
    stomach: float
    lung: float
    trabeculation: float
    epicardium: float
    rv_trabeculation: float
    papillary: float
    rv_bands: float
    epicardial_fat: float
    subcutaneous_fat: float


def draw_tissues(rng: np.random.Generator, shift: Shift) -> Tissues:
    """A person's tissues; only the terms in ``shift`` differ between groups, and the draws do not depend on it."""
    z = rng.standard_normal(12).clip(-2.5, 2.5)
    return Tissues(
        myocardium=float(0.32 + 0.015 * z[0] + MYOCARDIUM_PER_MM * shift.trabeculation),
        rv_blood=float(0.92 + 0.02 * z[1] + RV_BLOOD_PER_MM * shift.rv_trabeculation),
        fat=float(0.64 + 0.03 * z[2] + FAT_PER_MM * shift.epicardium),
        liver=float(0.40 + 0.03 * z[3]),
        stomach=float(0.36 + 0.05 * z[4]),
        lung=float(0.09 + 0.012 * z[5]),
        trabeculation=float(max(MEAN_TRABECULATION + 0.08 * z[6] + shift.trabeculation, 0.0)),
        epicardium=float(max(MEAN_EPICARDIUM + 0.08 * z[7] + shift.epicardium, 0.0)),
        rv_trabeculation=float(max(MEAN_RV_TRABECULATION + 0.08 * z[8] + shift.rv_trabeculation, 0.0)),
        papillary=float((3.8 + 0.35 * z[9]) * (1.0 + 0.5 * PROMINENCE_PER_MM * shift.trabeculation)),
        rv_bands=float(0.35 * (1.0 + 0.15 * z[10]) * (1.0 + PROMINENCE_PER_MM * shift.rv_trabeculation)),
        epicardial_fat=float(4.5 + 0.9 * z[11]),
        subcutaneous_fat=float(rng.uniform(9.0, 20.0)),
    )


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


ATRIAL_WALL = 2.0
"""Millimetres."""
RAGGEDNESS = 0.3
"""Standard deviation in mm of where the trabeculae end."""


def paint_heart(
    image: Field, fields: HeartFields, stack: Stack, tissues: Tissues, textures: tuple[Field, Field]
) -> None:
    """Paint both phases of a heart over its surroundings, in place.

    Args:
        image: Signal of the surroundings, shape (phases, slices, rows, columns).
        fields: Where the borders are.
        stack: Where the pixels are.
        tissues: Signals and thicknesses of layers.
        textures: Smooth noise of unit variance, of coarse and of fine grain, shape (1, slices, rows, columns).
    """
    coarse, fine = textures
    _paint_fat(image, fields, stack, tissues, coarse)
    atria = _atria(image, fields, stack, tissues)
    _paint_right_ventricle(image, fields, stack, tissues, fine)
    _paint_left_ventricle(image, fields, tissues, fine)
    if atria is not None:
        slices, signal, above = atria
        paint(image[:, slices], signal, above)


def _paint_fat(image: Field, fields: HeartFields, stack: Stack, tissues: Tissues, coarse: Field) -> None:
    """Fat around both ventricles, thickest in the grooves between them, within a thin dark pericardium."""
    outside = -smooth_maximum(-fields.epicardium, fields.right_wall - fields.free_wall, 14.0)
    # none to speak of at the apex
    outside -= (tissues.epicardial_fat + coarse) * (1.1 + fields.base / 80.0).clip(0.1, 1.0)
    paint(image, tissues.myocardium, coverage(outside - 1.2, stack.pixel))
    paint(image, tissues.fat + 0.03 * coarse, coverage(outside, stack.pixel))


def _paint_right_ventricle(image: Field, fields: HeartFields, stack: Stack, tissues: Tissues, fine: Field) -> None:
    blur = 1.4 * stack.pixel
    paint(image, tissues.myocardium, coverage(fields.free_wall - fields.right_wall, blur))
    layer = tissues.rv_trabeculation + RAGGEDNESS * fine
    blood = coverage(smooth_maximum(fields.free_wall + layer, -fields.epicardium, 4.0), blur)
    # trabeculae grow from the free wall, and fill more of the cavity towards the apex
    nearness = ((fields.free_wall + 16.0) / 14.0).clip(0.2, 1.0)
    bands = tissues.rv_bands * nearness * (fine - 0.3).clip(0.0, 1.2)
    paint(image, tissues.rv_blood - bands, blood)


def _paint_left_ventricle(image: Field, fields: HeartFields, tissues: Tissues, fine: Field) -> None:
    # the dark layer outside the muscle lies under the fat of the free wall, not on the septum
    free = coverage(-2.0 - fields.free_wall, 4.0)
    muscle = tissues.myocardium + 0.012 * fine
    paint(image, muscle, coverage(fields.epicardium - tissues.epicardium * free, fields.blur))
    radius = np.maximum(fields.cavity_radius, 0.0)
    layer = (tissues.trabeculation + RAGGEDNESS * fine) * radius / (radius + 2.0)
    lumen = coverage(fields.cavity + layer, fields.blur)
    paint(image, 1.0 - 0.015 * fine, lumen)
    for papillary in fields.papillaries:
        paint(image, muscle, _papillary(fields, tissues, papillary) * lumen)


def _papillary(fields: HeartFields, tissues: Tissues, papillary: Papillary) -> Field:
    """Share of a papillary muscle: an oval that points to the wall, in the middle third of the ventricle."""
    cosine, sine = float(np.cos(papillary.angle)), float(np.sin(papillary.angle))
    radial = fields.across * cosine + fields.along * sine - papillary.offset * fields.cavity_radius
    tangential = fields.along * cosine - fields.across * sine
    level = (1.6 - np.abs(-fields.base - papillary.depth) / 18.0).clip(0.0, 1.0)
    oval = np.hypot(0.75 * radial, 1.1 * tangential) - tissues.papillary * level
    share: Field = coverage(oval, 2.5) * level
    return share


def _atria(image: Field, fields: HeartFields, stack: Stack, tissues: Tissues) -> tuple[slice, Field, Field] | None:
    """What replaces the ventricles above the base: which slices, its signal, and its share of them."""
    above = coverage(-fields.base, 0.5 * stack.thickness)
    touched = np.flatnonzero(above.max(axis=(0, 2, 3)) > 0)
    if touched.size == 0:
        return None
    slices = slice(0, int(touched[-1]) + 1)
    across, along = fields.across[:, slices], fields.along[:, slices]
    left = np.hypot(0.9 * (across - 6.0), along - 8.0) - 20.0
    right = np.hypot(across + 38.0, 0.9 * (along - 12.0)) - 20.0
    root = np.hypot(across + 15.0, along + 14.0) - 13.0
    outflow = np.hypot(across + 33.0, along + 28.0) - 12.0
    chambers = np.minimum(np.minimum(left, right), np.minimum(root, outflow))
    signal = image[:, slices].copy()
    paint(signal, tissues.myocardium, coverage(chambers - ATRIAL_WALL, stack.pixel))
    paint(signal, FLOWING_BLOOD, coverage(chambers, stack.pixel))
    return slices, signal, above[:, slices]
