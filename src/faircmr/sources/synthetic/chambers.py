"""The heart on a short-axis slice: fat, muscle, blood, trabeculae and, above the base, atria and great vessels."""

from __future__ import annotations

import numpy as np

from faircmr.sources.synthetic.anatomy import Papillary
from faircmr.sources.synthetic.fields import Field, HeartFields, Stack, coverage, smooth_maximum
from faircmr.sources.synthetic.painting import paint
from faircmr.sources.synthetic.tissues import FLOWING_BLOOD, Tissues

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
