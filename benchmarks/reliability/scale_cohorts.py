"""Simulated cohorts for :mod:`benchmarks.reliability.scale`: raw data sets of nnU-Net, predictions and scores.

A scan is a hard link to one of 120 pairs of small files, so that many subjects are soon written: listing, opening and
reading a link costs what a file of its own costs, but that its content is sure to be in memory already. A prediction is
the drawn label moved by one or two pixels; no network is trained.

    python -m benchmarks.reliability.scale_cohorts cohort <folder> <subjects> <pixels>
    python -m benchmarks.reliability.scale_cohorts predictions <cohort> <study>
    python -m benchmarks.reliability.scale_cohorts second <study>
    python -m benchmarks.reliability.scale_cohorts scores <study> <smaller study>
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from faircmr.core import generator
from faircmr.core.scans import Geometry, LabelImage, Phase, Structure
from faircmr.datasets import MANIFEST_NAME, PredictionEntry, PredictionManifest, prediction_path
from faircmr.sources import write_image, write_label

SHARES = {"A": 0.5, "B": 0.18, "C": 0.12, "D": 0.1, "E": 0.06, "F": 0.04}
ORIGINALS = 60
"""Different hearts; every subject has one of them at both phases."""
SLICES = 4
SPACINGS = ((8.0, 1.5, 1.5), (10.0, 1.8, 1.8))
"""Millimetres, in turns: some scans are resampled."""
DATASET = "Dataset001_Scale"
FIRST, SECOND = "baseline", "stratified"
SCORES = Path("scores.parquet")


def write_cohort(folder: Path, subjects: int, pixels: int) -> None:
    """A raw data set of nnU-Net with a table of subjects, and beside it the files that its scans are links to."""
    shutil.rmtree(folder, ignore_errors=True)
    for number in range(ORIGINALS):
        for phase in Phase:
            _write_original(folder, number, phase, pixels)
    dataset = folder / DATASET
    for part in ("imagesTr", "labelsTr"):
        (dataset / part).mkdir(parents=True)
    for subject in range(subjects):
        for phase in Phase:
            case = f"{source_id(subject)}_{phase}"
            os.link(original(folder, "image", subject, phase), dataset / "imagesTr" / f"{case}_0000.nii.gz")
            os.link(original(folder, "label", subject, phase), dataset / "labelsTr" / f"{case}.nii.gz")
    people(subjects).to_csv(dataset / "demographics.csv", index=False)
    labels = {"background": 0, **{structure.name: int(structure) for structure in Structure}}
    description = {"channel_names": {"0": "MRI"}, "labels": labels, "file_ending": ".nii.gz"}
    (dataset / "dataset.json").write_text(json.dumps({**description, "numTraining": 2 * subjects}))


def people(subjects: int) -> pd.DataFrame:
    """Table of subjects; every cohort of more than a hundred has all six groups."""
    rng = generator(0, "scale", subjects)
    counts = (np.array(list(SHARES.values())) * subjects).astype(int)
    counts[0] += subjects - counts.sum()
    return pd.DataFrame(
        {
            "subject_id": [source_id(subject) for subject in range(subjects)],
            "group": rng.permutation(np.repeat(list(SHARES), counts)),
            "sex": rng.choice(["female", "male"], subjects),
            "age": rng.integers(45, 80, subjects),
            "height": rng.normal(169, 9, subjects).round(),
        }
    )


def source_id(subject: int) -> str:
    return f"p{subject:06d}"


def original(folder: Path, what: str, subject: int, phase: Phase) -> Path:
    return folder / "originals" / f"{what}-{subject % ORIGINALS}-{phase}.nii.gz"


def heart(number: int, phase: Phase, pixels: int) -> LabelImage:
    """A ring of muscle around a square left ventricle, and a block beside it; larger at end diastole."""
    label = np.zeros((SLICES, pixels, pixels), np.uint8)
    unit = pixels / 32
    top, inner = round((8 + number % 5) * unit), round((8 if phase is Phase.ED else 5) * unit)
    left, wall = round((12 + number % 3) * unit), round(3 * unit)
    label[:, top : top + inner + 2 * wall, left : left + inner + 2 * wall] = Structure.LVM
    label[:, top + wall : top + wall + inner, left + wall : left + wall + inner] = Structure.LVBP
    label[:, top : top + inner, left - round(7 * unit) : left] = Structure.RVBP
    return label


def _write_original(folder: Path, number: int, phase: Phase, pixels: int) -> None:
    label = heart(number, phase, pixels)
    noise = generator(number, "scale", str(phase)).normal(100.0, 10.0, label.shape)
    grid = Geometry((SLICES, pixels, pixels), SPACINGS[number % len(SPACINGS)])
    write_image(original(folder, "image", number, phase), (noise + 60 * label).astype(np.int16), grid)
    write_label(original(folder, "label", number, phase), label, grid)
    write_label(original(folder, "prediction", number, phase), np.roll(label, 1 + number % 2, axis=2), grid)


def write_predictions(cohort: Path, study: Path) -> None:
    """What the first strategy says of every scan, as the catalog has it."""
    keys = pd.read_csv(study / "01_raw" / "key.csv", dtype="str")
    folder = study / "07_model_output" / FIRST
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "seed-0" / "predictions").mkdir(parents=True)
    entries = []
    for subject_id, source in zip(keys["subject_id"], keys["source_id"], strict=True):
        for phase in Phase:
            entries.append(PredictionEntry(seed=0, fold=None, subject_id=subject_id, phase=phase))
            found = original(cohort, "prediction", int(source.removeprefix("p")), phase)
            os.link(found, folder / prediction_path(entries[-1].key))
    manifest = PredictionManifest(predictions=tuple(entries)).model_dump_json(indent=1)
    (folder / MANIFEST_NAME).write_text(manifest)


def write_second(study: Path) -> None:
    """Scores of the second strategy: those of the first, each Dice a little lower."""
    scores = _scores_of(study, FIRST)
    _write_scores(study, SECOND, _moved(scores, 0.02).assign(strategy=SECOND))


def write_scores(study: Path, smaller: Path) -> None:
    """Scores of both strategies for a study without predictions: those of a smaller one's subjects, in turns."""
    subjects = pd.read_parquet(study / "03_primary" / "subjects.parquet")["subject_id"].to_numpy()
    scores = _scores_of(smaller, FIRST)
    rows = scores.groupby("subject_id", sort=True).indices
    turns = [rows[name] for name in rows]
    of_subject = [turns[number % len(turns)] for number in range(len(subjects))]
    repeated = scores.iloc[np.concatenate(of_subject)].reset_index(drop=True)
    names = np.repeat(subjects, [len(one) for one in of_subject])
    _write_scores(study, FIRST, _moved(repeated, 0.01).assign(subject_id=names))
    write_second(study)


def _moved(scores: pd.DataFrame, scale: float) -> pd.DataFrame:
    drawn = generator(0, "scale", "scores").exponential(scale, len(scores))
    lower = (scores["value"] - drawn).clip(0.0, 1.0)
    return scores.assign(value=scores["value"].where(scores["metric"] != "dsc", lower))


def _scores_of(study: Path, strategy: str) -> pd.DataFrame:
    return pd.read_parquet(study / "07_model_output" / strategy / SCORES)


def _write_scores(study: Path, strategy: str, scores: pd.DataFrame) -> None:
    place = study / "07_model_output" / strategy / SCORES
    place.parent.mkdir(parents=True, exist_ok=True)
    scores.to_parquet(place, index=False)


def main(what: str, *arguments: str) -> None:
    folder, *others = arguments
    work: dict[str, Callable[[], None]] = {
        "cohort": lambda: write_cohort(Path(folder), int(others[0]), int(others[1])),
        "predictions": lambda: write_predictions(Path(folder), Path(others[0])),
        "second": lambda: write_second(Path(folder)),
        "scores": lambda: write_scores(Path(folder), Path(others[0])),
    }
    work[what]()


if __name__ == "__main__":
    main(*sys.argv[1:])
