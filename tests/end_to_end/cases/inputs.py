"""Small cohorts, masks and tables of invented subjects, as people of this field store theirs.

The hearts are away from the centre of the image, so that a flip shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

SHAPE = (48, 40, 6)
"""Columns, rows, slices."""
AFFINE = np.array([[-1.5, 0, 0, 30.0], [0, -1.5, 0, 25.0], [0, 0, 8.0, -20.0], [0, 0, 0, 1.0]])
"""Orientation LPS, in mm."""
LABELS = {"background": 0, "LV": 1, "MYO": 2, "RV": 3}
ACDC_LABELS = (3, 2, 1)
PHASES = ("ED", "ES")


def heart(seed: int, phase: str, values: Sequence[int] = (1, 2, 3)) -> tuple[np.ndarray, np.ndarray]:
    """Image and label of one scan.

    Args:
        seed: Of the noise and of the size of the ventricle.
        phase: ``ED``, or any other word for a smaller ventricle.
        values: Label values of the left ventricle, the myocardium and the right ventricle.
    """
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(SHAPE[0]), np.arange(SHAPE[1]), indexing="ij")
    label = np.zeros(SHAPE, np.uint8)
    inner = (6.0 if phase == "ED" else 4.0) + rng.uniform(-0.5, 0.5)
    left, muscle, right = values
    radius = np.hypot(x - 18, y - 16)
    for z in range(1, SHAPE[2] - 1):
        scale = 1.0 - 0.12 * z
        label[..., z][np.hypot(x - 29, y - 15) < 5 * scale] = right
        label[..., z][radius < (inner + 3) * scale + 1] = muscle
        label[..., z][radius < inner * scale] = left
    image = 100 + 150.0 * (label == left) + 40.0 * (label == muscle) + 130.0 * (label == right)
    return (image + rng.normal(0, 6, SHAPE)).astype(np.float32), label


def save(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE) -> None:
    """Write a NIfTI file whose qform and sform agree."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine)
    image.set_qform(affine, 1)
    image.set_sform(affine, 1)
    nib.save(image, path)


def voxels(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


def save_in_ras(path: Path) -> None:
    """Write a NIfTI file again with its axes to the right, anterior and superior: the same voxels in space."""
    image = nib.as_closest_canonical(nib.load(path))
    image.set_qform(image.affine, 1)
    image.set_sform(image.affine, 1)
    nib.save(image, path)


def write_masks(root: Path, subjects: int = 24, *, perfect: bool = False) -> tuple[Path, Path]:
    """Folders ``drawn`` (references) and ``found`` (predictions, one in three a voxel off), and ``people.csv``."""
    drawn, found = root / "drawn", root / "found"
    for number in range(subjects):
        _, label = heart(number, "ED")
        save(drawn / f"{number + 1:04d}_ED.nii.gz", label)
        off = 0 if perfect or number % 3 else 1
        save(found / f"{number + 1:04d}_ED.nii.gz", np.roll(label, off, axis=0))
    write_people(root / "people.csv", subjects)
    return drawn, found


def write_people(path: Path, subjects: int = 24, **columns: object) -> pd.DataFrame:
    """Demographics: ``subject_id``, ``sex`` and ``age``, and other columns in addition or instead."""
    ages = np.random.default_rng(1).integers(45, 70, subjects)
    table = pd.DataFrame(
        {"subject_id": ids(subjects), "sex": [("F", "M")[n % 2] for n in range(subjects)], "age": ages}
    )
    return _write_table(path, table, columns)


def write_scores(path: Path, subjects: int = 24, **columns: object) -> pd.DataFrame:
    """Wide scores: ``subject_id``, ``dice_lv`` and ``dice_rv``, and other columns in addition or instead."""
    rng = np.random.default_rng(2)
    left, right = (rng.uniform(low, low + width, subjects).round(4) for low, width in ((0.85, 0.12), (0.80, 0.15)))
    return _write_table(path, pd.DataFrame({"subject_id": ids(subjects), "dice_lv": left, "dice_rv": right}), columns)


def ids(subjects: int) -> list[str]:
    return [f"{number + 1:04d}" for number in range(subjects)]


def _write_table(path: Path, table: pd.DataFrame, columns: Mapping[str, object]) -> pd.DataFrame:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = table.assign(**columns)
    table.to_csv(path, index=False)
    return table


def write_acdc(root: Path, subjects: int = 20, suffix: str = ".nii.gz") -> None:
    """Folders of patients as ACDC has them."""
    for number in range(subjects):
        name = f"patient{number + 1:03d}"
        folder = root / name
        folder.mkdir(parents=True)
        (folder / "Info.cfg").write_text(
            f"ED: 1\nES: 9\nGroup: {('DCM', 'NOR')[number % 2]}\nHeight: {165 + number}.0\nNbFrame: 30\n"
            f"Weight: {60 + number}.0\n"
        )
        for frame, phase in ((1, "ED"), (9, "ES")):
            image, label = heart(100 * number + frame, phase, ACDC_LABELS)
            save(folder / f"{name}_frame{frame:02d}{suffix}", image)
            save(folder / f"{name}_frame{frame:02d}_gt{suffix}", label)


def write_nnunet(root: Path, subjects: int = 20, **described: object) -> Path:
    """A raw data set of nnU-Net v2 with ``demographics.csv``.

    Args:
        root: Folder of the data set's folder, which is returned.
        subjects: How many.
        **described: Entries of ``dataset.json`` instead of those of a usual one; ``None`` removes one.
    """
    folder, rows = root / "Dataset042_Heart", []
    for number in range(subjects):
        name = f"{number + 1:04d}"
        rows.append({"subject_id": name, "sex": "MF"[number % 2], "age": 40 + (7 * number) % 23})
        for phase in PHASES:
            image, label = heart(100 * number + len(phase) + (phase == "ES"), phase)
            save(folder / "imagesTr" / f"{name}_{phase}_0000.nii.gz", image)
            save(folder / "labelsTr" / f"{name}_{phase}.nii.gz", label)
    usual = {"channel_names": {"0": "cine"}, "labels": LABELS, "numTraining": 2 * subjects, "file_ending": ".nii.gz"}
    entries = {name: value for name, value in {**usual, **described}.items() if value is not None}
    (folder / "dataset.json").write_text(json.dumps(entries))
    pd.DataFrame(rows).to_csv(folder / "demographics.csv", index=False)
    return folder


def write_mnms(root: Path, subjects: int = 40, columns: Sequence[str] | None = None) -> None:
    """M&Ms: cines of four frames, of which 0 is ED and 2 is ES, and a table of these columns, all if not told."""
    rows = []
    for number in range(subjects):
        name = f"A{number:02d}B{number % 7}"
        cine, label = np.zeros((*SHAPE, 4), np.int16), np.zeros((*SHAPE, 4), np.uint8)
        for frame in range(4):
            image, drawn = heart(50 * number + frame, "ED" if frame == 0 else "ES")
            cine[..., frame] = image
            if frame in (0, 2):
                label[..., frame] = drawn
        folder = root / "Training" / "Labeled" / name
        folder.mkdir(parents=True)
        for suffix, data in (("sa", cine), ("sa_gt", label)):
            nib.save(nib.Nifti1Image(data, AFFINE), folder / f"{name}_{suffix}.nii.gz")
        vendor = number % 2
        rows.append(
            {
                "External code": name,
                "VendorName": ("Siemens", "Philips")[vendor],
                "Vendor": "AB"[vendor],
                "Centre": 1 + vendor,
                "ED": 0,
                "ES": 2,
                "Age": 50 + number % 20,
                "Pathology": "HCM",
                "Sex": "FM"[number // 2 % 2],
                "Height": 170.0,
                "Weight": 70.0,
            }
        )
    table = pd.DataFrame(rows)
    (table if columns is None else table[list(columns)]).to_csv(root / "info.csv")


def write_biobank_scans(root: Path, subjects: int = 20) -> list[Path]:
    """Folders of participants of UK Biobank, 7000001 and on, in the layout of ukbb_cardiac."""
    folders = []
    for number in range(subjects):
        folder = root / str(7000001 + number)
        for phase in PHASES:
            image, label = heart(number * 7 + (phase == "ES"), phase)
            save(folder / f"sa_{phase}.nii.gz", image)
            save(folder / f"label_sa_{phase}.nii.gz", label)
        folders.append(folder)
    return folders
