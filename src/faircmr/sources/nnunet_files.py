"""Files of a raw data set of nnU-Net: ``imagesTr/<case>_0000.nii.gz``, ``labelsTr/<case>.nii.gz``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from faircmr.core.scan import ScanFiles

CHANNEL = "_0000"
PARTS = ("Tr", "Ts")


def cases_of(folder: Path, ending: str) -> Iterator[ScanFiles]:
    """Image of every case, and its label if there is one; those for training first, then by name.

    Args:
        folder: Of the data set.
        ending: Of its files, such as ``.nii.gz``.
    """
    for part in PARTS:
        images, labels = (folder / f"{kind}{part}" for kind in ("images", "labels"))
        drawn = {entry.name for entry in _entries(labels) if entry.is_file()}
        # names and not paths, of which a hundred thousand take long to sort
        for name in sorted(entry.name for entry in _entries(images) if _is_image(entry.name, ending)):
            label = f"{case_of(name, ending)}{ending}"
            yield ScanFiles(images / name, labels / label if label in drawn else None)


def case_of(name: str, ending: str) -> str:
    """Name of the case that an image is of."""
    return name.removesuffix(f"{CHANNEL}{ending}")


def _is_image(name: str, ending: str) -> bool:
    return name.endswith(f"{CHANNEL}{ending}") and not name.startswith(".")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    return list(os.scandir(folder)) if folder.is_dir() else []
