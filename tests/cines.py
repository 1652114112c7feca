"""Invented cines of a beating heart, as a scanner's export would store them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import nibabel as nib
import numpy as np

from faircmr.core.scans import Structure

BEAT = (7.0, 6.0, 5.0, 5.5, 6.5)
"""Radius of the left ventricle in pixels, frame by frame: ED is frame 0, ES frame 2."""
ZOOMS = (2.0, 2.0, 10.0)
SIDE, SLICES = 32, 4
INTENSITIES = {0: 20.0, Structure.LVBP: 200.0, Structure.LVM: 60.0, Structure.RVBP: 180.0}


def heart(radius: float) -> np.ndarray:
    """Label of the ventricles of tests/end_to_end/clinic.py, shape (columns, rows, slices)."""
    columns, rows = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing="ij")
    left = np.hypot(columns - 16, rows - 18)
    plane = np.zeros((SIDE, SIDE), np.uint8)
    plane[np.hypot(columns - 16, rows - 8) < radius - 1] = Structure.RVBP
    plane[left < radius + 2] = Structure.LVM
    plane[left < radius] = Structure.LVBP
    return np.repeat(plane[:, :, None], SLICES, axis=2)


def heart_image(radius: float, seed: int = 0) -> np.ndarray:
    """Intensities of the ventricles in a little noise, int16, shape (columns, rows, slices)."""
    label = heart(radius)
    noise = np.random.default_rng(seed).normal(0.0, 2.0, label.shape)
    return (np.choose(label, [INTENSITIES[value] for value in range(4)]) + noise).astype(np.int16)


def blood_pool(radius: float) -> float:
    """Volume of the left-ventricular blood pool in millilitres."""
    return float((heart(radius) == Structure.LVBP).sum() * np.prod(ZOOMS) / 1000)


def write_scan(path: Path, image: np.ndarray, zooms: Sequence[float] = ZOOMS) -> Path:
    """Write a volume or a cine, turned in space and with a frame time, as scanners' headers are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.array([[0, -zooms[1], 0, 31.5], [zooms[0], 0, 0, -42.25], [0, 0, zooms[2], 5.0], [0, 0, 0, 1]])
    volume = nib.Nifti1Image(image, affine)
    volume.set_qform(affine, 1)
    volume.set_sform(affine, 2)
    volume.header["pixdim"][1:5] = (*zooms, 0.0312)
    volume.header.set_xyzt_units("mm", "sec")
    nib.save(volume, path)
    return path


def cine_image(radii: Sequence[float] = BEAT) -> np.ndarray:
    """A heart whose ventricles have these radii, frame by frame, shape (columns, rows, slices, frames)."""
    return np.stack([heart_image(radius, seed) for seed, radius in enumerate(radii)], axis=-1)
