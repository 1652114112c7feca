"""Seconds until a cohort of the paper's size is listed, named, joined with its table and checked.

    python benchmarks/cohort_index.py --subjects 5903

A UK Biobank cohort in the layout of ukbb_cardiac is written into a folder of its own: two images and two labels a
subject, which hold nothing, and a table with its fields. What every run does first is timed: listing and fingerprint
(is anything new?), loading the cohort, and the check of the index of subjects. No image is opened: reading and
checking those is the node ``index_cohort``, timed by scan at the end on images of a usual size. Of a compressed cine
single frames are read, which is timed beside decompressing all of it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
from markdown_table import as_markdown

from faircmr.core import generator
from faircmr.core.scans import Geometry, Phase, ScanFiles
from faircmr.core.study import AttributeParameters, index_subjects, validate_subjects
from faircmr.datasets import CohortDataset
from faircmr.sources import read_scan, write_image, write_label
from faircmr.sources.ukbb import Ukbb

SHAPE, SPACING = (10, 208, 187), (10.0, 1.83, 1.83)
"""Slices, rows and columns of a short-axis stack of UK Biobank, and millimetres."""
CINE = (256, 256, 12, 30)
"""Columns, rows, slices and frames, as of M&Ms."""
ATTRIBUTES = AttributeParameters(
    protected_attribute="race",
    audit_attributes=("race", "sex"),
    covariates=("age", "bmi", "centre", "observer"),
    missing_protected_attribute="drop",
)


def main() -> None:
    options = parse()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "scans"
        write_cohort(root, options.subjects)
        key = Path(place) / "study" / "01_raw" / "key.csv"
        cohort = CohortDataset("faircmr.sources.ukbb.Ukbb", filepath=str(root), path=str(key))
        rows: list[tuple[str, Callable[[], object]]] = [
            ("fingerprint: is anything new?", cohort.fingerprint),
            ("load: list, name, join with the table", cohort.load),
            ("load and check the index of subjects", lambda: checked(cohort)),
        ]
        table = [{"what": what, "seconds, median (min to max)": timed(run, options.repeats)} for what, run in rows]
        table += [
            {"what": what, "seconds, median (min to max)": seconds}
            for what, seconds in {"read and check one scan": one_scan(Path(place)), **one_cine(Path(place))}.items()
        ]
    print(f"{options.subjects} subjects, {2 * options.subjects} scans\n")
    print(as_markdown(pd.DataFrame(table), 2))


def write_cohort(root: Path, subjects: int) -> None:
    rng = generator(0, "cohort index")
    ids = [str(number) for number in 7_000_000 + rng.permutation(subjects)]
    for name in ids:
        folder = root / "nifti" / name
        folder.mkdir(parents=True)
        for phase in Phase:
            (folder / f"sa_{phase}.nii.gz").write_bytes(b"")
            (folder / f"label_sa_{phase}.nii.gz").write_bytes(b"")
    table = pd.DataFrame(
        {
            "eid": ids,
            "p31": rng.integers(0, 2, subjects),
            "p21000_i0": rng.choice([1001, 1002, 2001, 3001, 4001, 5, 6, -3], subjects),
            "p21003_i2": rng.integers(45, 80, subjects),
            "p21001_i2": rng.normal(26, 4, subjects).round(1).clip(16, 45),
            "p50_i2": rng.normal(169, 9, subjects).round().clip(140, 200),
            "p21002_i2": rng.normal(75, 12, subjects).round().clip(40, 140),
            "p54_i2": rng.choice([11025, 11026, 11027], subjects),
        }
    )
    table.to_csv(root / "participant.csv", index=False)


def checked(cohort: CohortDataset) -> pd.DataFrame:
    return validate_subjects(index_subjects(cohort.load(), ATTRIBUTES))


def one_scan(place: Path) -> str:
    image = generator(0, "a scan").normal(200, 50, SHAPE).astype(np.int16)
    label = np.zeros(SHAPE, np.uint8)
    label[2:8, 80:120, 80:120] = 1
    geometry = Geometry(SHAPE, SPACING)
    files = ScanFiles(place / "sa_ED.nii.gz", place / "label_sa_ED.nii.gz")
    write_image(files.image, image, geometry)
    write_label(place / "label_sa_ED.nii.gz", label, geometry)
    return timed(lambda: read_scan(files, Ukbb.label_values), 20)


def one_cine(place: Path) -> dict[str, str]:
    """Single frames of a compressed cine, and all of it decompressed."""
    frames = generator(0, "a cine").normal(200, 50, CINE).astype(np.int16)
    path = place / "cine.nii.gz"
    nibabel.Nifti1Image(frames, np.diag((1.2, 1.2, 10.0, 1.0))).to_filename(path)
    last = CINE[-1] - 1
    return {
        "frame 0 of a cine of 30": timed(lambda: read_scan(ScanFiles(path, frame=0), Ukbb.label_values), 5),
        "the last frame of it": timed(lambda: read_scan(ScanFiles(path, frame=last), Ukbb.label_values), 5),
        "all of it decompressed": timed(lambda: np.asanyarray(nibabel.Nifti1Image.from_filename(path).dataobj), 5),
    }


def timed(run: Callable[[], object], repeats: int) -> str:
    """After one run that imports what is needed."""
    run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return f"{statistics.median(seconds):.3f} ({min(seconds):.3f} to {max(seconds):.3f})"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=5903)
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
