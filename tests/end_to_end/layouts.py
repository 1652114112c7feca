"""Small cohorts of invented subjects, each in the layout that an environment in ``conf`` reads.

A cohort is as large as the environment's own splits need.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from tests.end_to_end.cases.inputs import (
    heart,
    save,
    write_acdc,
    write_biobank_scans,
    write_mnms,
    write_nnunet,
)
from tests.sources.dicom.written import dicom_bytes, frame
from tests.sources.ukbb.biobank import demographics, write_table

SUNNYBROOK_SLICES, SUNNYBROOK_PHASES = 4, 4
ROWS, COLUMNS = 48, 40
CENTRE = (20.0, 26.0)
"""Of the left ventricle, x and y in pixels."""
ED, ES = 3, 1
"""Frames, from 0: Sunnybrook's end diastole is often the last one."""
BIOBANK_SUBJECTS = 40


def write_ukbb(root: Path) -> None:
    """Folders of ``ukbb_cardiac``, and a table of participants of two ethnic backgrounds."""
    folders = write_biobank_scans(root, BIOBANK_SUBJECTS)
    write_table(root / "participant.csv", demographics([folder.name for folder in folders]))


def write_exported(root: Path) -> None:
    """A raw data set of nnU-Net whose table has the column of this project's export."""
    table = write_nnunet(root) / "demographics.csv"
    pd.read_csv(table, dtype=str).rename(columns={"sex": "protected_group"}).to_csv(table, index=False)


def write_sunnybrook(root: Path, each: int = 6) -> None:
    """Patients with two pathologies as the Cardiac Atlas Project publishes them."""
    rows = ["PatientID,OriginalID,Gender,Age,Pathology"]
    for number in range(2 * each):
        patient, code = f"SCD{number + 1:05d}01", ("N", "HYP")[number % 2]
        original = f"SC-{code}-{number + 1:02d}"
        _write_cine(root / "SCD_IMAGES_01" / patient / "CINESAX_300", number)
        _write_contours(root / "SCD_ManualContours" / original / "contours-manual" / "IRCCI-expert")
        rows.append(f"{patient},{original},{('Female', 'Male')[number % 2]},{40 + number},{code}")
    (root / "scd_patientdata.csv").write_text("\n".join(rows) + "\n")


def write_unlabelled(root: Path) -> None:
    """Two subjects whose scans have no labels."""
    for number, phase in ((1, "ED"), (1, "ES"), (2, "ED")):
        save(root / f"new{number}_{phase}.nii.gz", heart(900 + number, phase)[0])


LAYOUTS: Mapping[str, Callable[[Path], None]] = {
    "acdc": write_acdc,
    "mnms": write_mnms,
    "nnunet": write_exported,
    "sunnybrook": write_sunnybrook,
    "ukbb": write_ukbb,
}
"""Makers by the name of their environment; the embedded cohort makes itself."""


def _radius(phase: int) -> float:
    return 6.0 if phase == ES else 8.0


def _number(place: int, phase: int) -> int:
    """Images are numbered slice by slice."""
    return place * SUNNYBROOK_PHASES + phase + 1


def _write_cine(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True)
    noise = np.random.default_rng(seed)
    y, x = np.meshgrid(np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
    distance = np.hypot(x - CENTRE[0], y - CENTRE[1])
    for place in range(SUNNYBROOK_SLICES):
        for phase in range(SUNNYBROOK_PHASES):
            bright = np.where(distance < _radius(phase), 220.0, np.where(distance < _radius(phase) + 3, 70.0, 40.0))
            pixels = (bright + noise.normal(0, 8, bright.shape)).clip(0).astype("<u2")
            image = frame(place, phase, Rows=ROWS, Columns=COLUMNS, PixelData=pixels.tobytes())
            (folder / f"IM-0003-{_number(place, phase):04}.dcm").write_bytes(dicom_bytes(image))


def _write_contours(folder: Path) -> None:
    """Both walls at end diastole, the blood pool alone at end systole, in all slices but the last."""
    folder.mkdir(parents=True)
    for place in range(SUNNYBROOK_SLICES - 1):
        for phase, side, radius in ((ED, "i", _radius(ED)), (ED, "o", _radius(ED) + 3), (ES, "i", _radius(ES))):
            angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
            # coordinates count from 1
            points = zip(CENTRE[0] + 1 + radius * np.cos(angles), CENTRE[1] + 1 + radius * np.sin(angles), strict=True)
            text = "".join(f"{one:.4f} {other:.4f}\n" for one, other in points)
            (folder / f"IM-0001-{_number(place, phase):04}-{side}contour-manual.txt").write_text(text)
