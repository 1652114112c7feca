"""Cardiac phases and structures, and their values in every label image of a study."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Phase(StrEnum):
    """Phase of the cardiac cycle."""

    ED = "ED"
    """End diastole."""
    ES = "ES"
    """End systole."""


class Structure(IntEnum):
    """Segmented structure; the value is its label in tensors and predictions (0 is background)."""

    LVBP = 1
    """Left-ventricular blood pool."""
    LVM = 2
    """Left-ventricular myocardium."""
    RVBP = 3
    """Right-ventricular blood pool."""
