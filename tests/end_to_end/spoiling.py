"""Ways to spoil what a clinic's study reads: scans, tables, parameters, files of the study itself.

Each takes the clinic and changes one thing.
"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from tests.end_to_end.clinic import PATHOLOGIES, SUBJECTS, Clinic

Spoil = Callable[[Clinic], object]
Change = Callable[[np.ndarray], np.ndarray]


def nothing(clinic: Clinic) -> None:
    """The bad input is on the command line."""


# --- scans ---


def image_of(clinic: Clinic, subject: str = SUBJECTS[0], suffix: str = "") -> Path:
    return clinic.source / subject / f"{subject}_frame01{suffix}.nii.gz"


def rewrite(path: Path, change: Change, zooms: tuple[float, ...] | None = None) -> None:
    volume = nib.load(path)
    data = change(np.asanyarray(volume.dataobj))
    header = volume.header.copy()
    header.set_data_dtype(data.dtype)
    changed = nib.Nifti1Image(data, None, header)
    if zooms:
        changed.header.set_zooms(zooms)
    nib.save(changed, path)


def change_image(change: Change) -> Spoil:
    return lambda clinic: rewrite(image_of(clinic), change)


def change_label(change: Change, zooms: tuple[float, ...] | None = None) -> Spoil:
    return lambda clinic: rewrite(image_of(clinic, suffix="_gt"), change, zooms)


def poison(value: float) -> Spoil:
    def change(data: np.ndarray) -> np.ndarray:
        poisoned = data.astype(np.float32)
        poisoned[0, 0, 0] = value
        return poisoned

    return change_image(change)


def remove_images(*subjects: str) -> Spoil:
    def spoil(clinic: Clinic) -> None:
        for subject in subjects:
            image_of(clinic, subject).unlink()

    return spoil


def cut_off(suffix: str = "") -> Spoil:
    def spoil(clinic: Clinic) -> None:
        whole = image_of(clinic, suffix=suffix).read_bytes()
        image_of(clinic, suffix=suffix).write_bytes(whole[: len(whole) // 2])

    return spoil


def cut_off_inside_the_gzip(clinic: Clinic) -> None:
    raw = gzip.decompress(image_of(clinic).read_bytes())
    image_of(clinic).write_bytes(gzip.compress(raw[: len(raw) // 2]))


def remove_the_other_phase(clinic: Clinic) -> None:
    image_of(clinic).with_name(f"{SUBJECTS[0]}_frame05.nii.gz").unlink()


# --- the cohort ---


def edit_config(edit: Callable[[str], str], subjects: tuple[str, ...] = SUBJECTS[:1]) -> Spoil:
    """Change the text that ACDC keeps of each subject."""

    def spoil(clinic: Clinic) -> None:
        for subject in subjects:
            config = clinic.source / subject / "Info.cfg"
            config.write_text(edit(config.read_text()))

    return spoil


def without(field: str) -> Callable[[str], str]:
    return lambda text: "".join(line for line in text.splitlines(keepends=True) if not line.startswith(field))


def write_the_same_subject_twice(clinic: Clinic) -> None:
    shutil.copytree(clinic.source / SUBJECTS[0], clinic.source / "again" / SUBJECTS[0])
    shutil.copytree(clinic.source / SUBJECTS[0], clinic.source / "training" / SUBJECTS[0])


def empty_source(clinic: Clinic) -> None:
    shutil.rmtree(clinic.source)
    clinic.source.mkdir()


# --- a table of subjects beside the scans, in nnU-Net's layout ---


def people() -> pd.DataFrame:
    """The clinic's subjects and their group."""
    groups = [PATHOLOGIES[place % len(PATHOLOGIES)] for place in range(len(SUBJECTS))]
    return pd.DataFrame({"subject_id": SUBJECTS, "pathology": groups})


def as_nnunet(table: bytes) -> Spoil:
    """The scans as a raw data set of nnU-Net with this table of subjects."""

    def spoil(clinic: Clinic) -> None:
        root = clinic.folder / "raw" / "Dataset001_Clinic"
        for subject in SUBJECTS:
            for suffix, place in (("", "imagesTr/{}_ED_0000"), ("_gt", "labelsTr/{}_ED")):
                path = root / f"{place.format(subject)}.nii.gz"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(image_of(clinic, subject, suffix).read_bytes())
        labels = {"background": 0, "RV": 1, "MLV": 2, "LVC": 3}
        description = {"channel_names": {"0": "cineMRI"}, "labels": labels, "file_ending": ".nii.gz"}
        (root / "dataset.json").write_text(json.dumps({**description, "numTraining": len(SUBJECTS)}))
        (root / "demographics.csv").write_bytes(table)

    return spoil


def csv(table: pd.DataFrame, encoding: str = "utf-8") -> bytes:
    return table.to_csv(index=False).encode(encoding)


# --- parameters ---


def write_parameter(text: str) -> Spoil:
    return lambda clinic: (clinic.project.folder / "conf" / "acdc" / "parameters_bad.yml").write_text(text)


def edit_parameters(old: str, new: str) -> Spoil:
    def edit(clinic: Clinic) -> None:
        parameters = clinic.project.folder / "conf" / "acdc" / "parameters.yml"
        assert old in parameters.read_text()
        parameters.write_text(parameters.read_text().replace(old, new))

    return edit


def misspell_a_global(clinic: Clinic) -> None:
    with (clinic.project.folder / "conf" / "acdc" / "globals.yml").open("a") as file:
        file.write("data_rot: x\n")


# --- files of the study ---


def edit_plans(old: str, new: str) -> Spoil:
    def edit(clinic: Clinic) -> None:
        plans = clinic.data / "05_model_input" / "plans.json"
        assert old in plans.read_text()
        plans.write_text(plans.read_text().replace(old, new))

    return edit


def train_stratified_for_longer(clinic: Clinic) -> None:
    clinic.run("--pipelines", "stratified", params={"training.epochs": "4"}).check_returncode()


def write_splits(clinic: Clinic) -> None:
    (clinic.data / "01_raw" / "splits.csv").write_text("subject_id,split\nsub-0001,train\nsub-0002,test\n")


# --- tables of somebody's scores ---


def scores() -> pd.DataFrame:
    return people()[["subject_id"]].assign(dice_lv=np.linspace(0.8, 0.95, len(SUBJECTS)))


def audited(scores_table: pd.DataFrame, people_table: bytes) -> Spoil:
    """Scores and people where the command of the audit expects them."""

    def spoil(clinic: Clinic) -> None:
        (clinic.folder / "scores.csv").write_bytes(csv(scores_table))
        (clinic.folder / "people.csv").write_bytes(people_table)

    return spoil
