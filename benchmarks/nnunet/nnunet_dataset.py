"""ACDC as a raw data set of nnU-Net: full volumes, or crops of them; labels keep ACDC's values."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from layout import LABELS, split, write_json

from faircmr.core.scans import Phase, Scan, ScanFiles, Structure
from faircmr.segmentation.localiser import Box
from faircmr.sources import Acdc, NoParameters, read_scan, write_image, write_label

AS_STORED = {int(structure): structure for structure in Structure}
BOX_COLUMNS = ("row_start", "row_stop", "column_start", "column_stop")


def acdc_files(root: Path) -> dict[tuple[str, Phase], ScanFiles]:
    """Image and label of every subject and phase of ACDC."""
    return dict(Acdc(root, NoParameters()).scan_files())


def case_name(subject: str, phase: Phase) -> str:
    return f"{subject}_{phase}"


def read_boxes(path: Path) -> dict[str, Box]:
    """Boxes by ACDC name, in native pixels, from a CSV with the column ``subject`` and those of ``Box``."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["subject"]: Box(**{name: int(row[name]) for name in BOX_COLUMNS}) for row in rows}


def central_boxes(root: Path, share: float) -> dict[str, Box]:
    """Boxes around the middle of the image, of this share of its sides: to try the scripts out."""
    boxes = {}
    for (subject, _), files in acdc_files(root).items():
        _, rows, columns = read_scan(files, AS_STORED).geometry.shape
        top, left = (int(size * (1 - share) / 2) for size in (rows, columns))
        boxes[subject] = Box(row_start=top, row_stop=rows - top, column_start=left, column_stop=columns - left)
    return boxes


def crop(scan: Scan, box: Box) -> Scan:
    """Part of a scan; the grid keeps its spacing, and its origin is that of the whole."""
    rows, columns = box.slices
    geometry = replace(scan.geometry, shape=(scan.geometry.shape[0], *box.shape))
    label = None if scan.label is None else scan.label[:, rows, columns]
    return Scan(scan.image[:, rows, columns], label, geometry)


def write_dataset(root: Path, folder: Path, boxes: Mapping[str, Box] | None = None) -> None:
    """Write every fifth subject as a test subject, and the others for training.

    Args:
        root: ACDC.
        folder: Of the data set, in nnU-Net's raw folder.
        boxes: Of the subjects to write; ``None`` writes the full volumes of all.
    """
    files = acdc_files(root)
    training, _ = split(sorted({subject for subject, _ in files}))
    written = [(subject, phase) for subject, phase in files if boxes is None or subject in boxes]
    for subject, phase in written:
        scan = read_scan(files[subject, phase], AS_STORED)
        part = "Tr" if subject in training else "Ts"
        write_case(folder, part, case_name(subject, phase), scan if boxes is None else crop(scan, boxes[subject]))
    description = {
        "channel_names": {"0": "cineMRI"},
        "labels": LABELS,
        "numTraining": sum(subject in training for subject, _ in written),
        "file_ending": ".nii.gz",
    }
    write_json(folder / "dataset.json", description)


def write_case(folder: Path, part: str, name: str, scan: Scan) -> None:
    stored = scan.image.astype(np.int16)
    if scan.label is None or not np.array_equal(stored, scan.image):
        raise SystemExit(f"{name}: ACDC has labels and whole numbers")
    images, labels = folder / f"images{part}", folder / f"labels{part}"
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    write_image(images / f"{name}_0000.nii.gz", stored, scan.geometry)
    write_label(labels / f"{name}.nii.gz", scan.label, scan.geometry)
