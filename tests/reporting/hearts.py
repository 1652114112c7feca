"""Small hearts to draw: a ring of myocardium around the LV blood pool, and a right ventricle beside it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from faircmr.core.scans import Cohort, Geometry, Phase, Scan, ScanFiles, Structure

SPACING = (10.0, 2.0, 2.0)


def heart(slices: tuple[int, int] = (1, 4), labelled: bool = True) -> Scan:
    """Five slices of 48 x 40 pixels with a heart in those from ``slices[0]`` to before ``slices[1]``."""
    rows, columns = np.mgrid[0:48, 0:40]
    radius = np.hypot(rows - 24, columns - 24)
    label = np.zeros((5, 48, 40), np.uint8)
    shown = label[slice(*slices)]
    shown[:, np.hypot(rows - 24, columns - 12) < 8] = Structure.RVBP
    shown[:, radius < 10] = Structure.LVM
    shown[:, radius < 6] = Structure.LVBP
    image = np.array([0.2, 1.0, 0.4, 0.9], np.float32)[label]
    return Scan(image, label if labelled else None, Geometry(label.shape, SPACING))


def cohort(phases: dict[str, tuple[Phase, ...]]) -> Cohort:
    """A cohort of such hearts, subjects with the phases given."""
    keys = [(subject_id, phase) for subject_id, of_subject in phases.items() for phase in of_subject]
    scans = pd.DataFrame(keys, columns=["subject_id", "phase"])
    files = {key: ScanFiles(image=f"{key}") for key in keys}
    return Cohort(pd.DataFrame({"subject_id": list(phases)}), scans, files, read_files=lambda _: heart())
