"""Small NIfTI volumes as other people's tools write them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

SHAPE = (6, 5, 4)
"""Columns, rows, slices: NIfTI's order."""
ZOOMS = (1.5, 1.25, 10.0)


def ramp() -> np.ndarray:
    """An image in which no two voxels are equal."""
    return np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE)


def drawn() -> np.ndarray:
    """A label with 1, 2 and 3 in one corner."""
    label = np.zeros(SHAPE, np.uint8)
    label[0, 0, :3] = (1, 2, 3)
    return label


def save(path: Path, data: np.ndarray, zooms: tuple[float, ...] = ZOOMS) -> Path:
    """Write a volume with nibabel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    volume = nib.Nifti1Image(data, None)
    volume.header.set_zooms((*zooms, *[1.0] * (data.ndim - 3)))
    nib.save(volume, path)
    return path


def write_acdc_subject(folder: Path, info: str = "ED: 1\nES: 5\nGroup: DCM\nHeight: 180.0\nWeight: 81.0\n") -> None:
    """One subject in ACDC's layout."""
    for frame in ("frame01", "frame05"):
        save(folder / f"{folder.name}_{frame}.nii.gz", ramp())
        save(folder / f"{folder.name}_{frame}_gt.nii.gz", drawn())
    (folder / "Info.cfg").write_text(info)
