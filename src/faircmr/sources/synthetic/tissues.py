"""What one person's tissues look like: signal of each, and thickness of the dark layers at the borders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faircmr.sources.synthetic.shift import Shift

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
