"""A study of M&Ms as it is published; the same study through nnU-Net's folder and back."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import yaml

from faircmr.core.scans import Structure
from tests.cines import BEAT, cine_image, heart, write_scan
from tests.end_to_end.clinic import readable
from tests.sources.nnunet_rules import accumulation_fault
from tests.studies import Project, write_tiny_project

pytestmark = pytest.mark.slow

SUBJECTS = tuple(f"X{number:03d}Y9" for number in range(12))
UNLABELLED = SUBJECTS[-1]
ED, ES = 0, 2
"""Frames of BEAT, from 0."""
DATASET = "Dataset042_Heart"
MNMS_VALUES = {Structure.LVBP: 1, Structure.LVM: 2, Structure.RVBP: 3}
HEADER = ",External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight"
TINY = {
    "plans": {"spacing": [2.0, 2.0], "patch": [32, 32], "batch_size": 4, "base_filters": 4, "stages": 3},
    "training": {"epochs": 1, "iterations_per_epoch": 1, "threads": 1, "validation_batches": 1},
    "inference": {"overlap": 0.0, "threads": 1},
}


def write_mnms(root: Path) -> None:
    """Twelve invented subjects of both sexes; the last one has no labels."""
    rows = [HEADER]
    labels = [heart(radius) if frame in {ED, ES} else np.zeros_like(heart(radius)) for frame, radius in enumerate(BEAT)]
    for place, name in enumerate(SUBJECTS):
        part = "Training/Unlabeled" if name == UNLABELLED else "Training/Labeled" if place % 2 else "Testing"
        write_scan(root / part / name / f"{name}_sa.nii.gz", cine_image())
        if name != UNLABELLED:
            values = np.choose(np.stack(labels, axis=-1), [0, *(MNMS_VALUES[one] for one in Structure)])
            write_scan(root / part / name / f"{name}_sa_gt.nii.gz", values.astype(np.uint8))
        rows.append(f"{place},{name},Siemens,A,{1 + place % 3},{ED},{ES},{30 + 4 * place},NOR,{'FM'[place % 2]},170,70")
    (root / "information.csv").write_text("\n".join(rows) + "\n")


def shrink(project: Project, environment: str, smallest_test: int) -> None:
    """The environment as it is, but for the size of the training."""
    path = project.folder / "conf" / environment / "parameters.yml"
    shipped = yaml.safe_load(path.read_text())
    shipped["split"]["min_test_per_group"] = smallest_test
    path.write_text(yaml.safe_dump({**shipped, **TINY}))


def checked(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """A project whose study of M&Ms has been trained and exported."""
    project = write_tiny_project(tmp_path_factory.mktemp("mnms") / "project", project_root)
    write_mnms(project.folder / "scans")
    shrink(project, "mnms", 1)
    shrink(project, "nnunet", 1)
    params = {"source_root": "scans", "nnunet_dataset": DATASET}
    checked(project.run("--env", "mnms", "--pipelines", "baseline,export_nnunet", params=params))
    return project


@pytest.fixture(scope="module")
def mnms(project: Project) -> Path:
    return project.folder / "data" / "mnms"


@pytest.fixture(scope="module")
def raw(mnms: Path) -> Path:
    return mnms / "08_reporting" / "nnunet_raw" / DATASET


def test_sex_is_the_protected_attribute_of_mnms(mnms: Path):
    subjects = pd.read_parquet(mnms / "03_primary" / "subjects.parquet")

    assert subjects["protected_group"].value_counts().to_dict() == {"female": 6, "male": 6}
    assert {"vendor", "centre", "age_class"} < set(subjects.columns)


def test_the_labelled_frames_are_those_that_were_read(mnms: Path):
    scans = pd.read_parquet(mnms / "02_intermediate" / "scans.parquet")

    assert len(scans) == 2 * len(SUBJECTS)
    assert scans["labelled"].sum() == 2 * (len(SUBJECTS) - 1)


def test_who_has_no_label_is_segmented_all_the_same(mnms: Path):
    keys = pd.read_csv(mnms / "01_raw" / "key.csv").set_index("source_id")["subject_id"]
    predictions = mnms / "07_model_output" / "baseline" / "seed-0" / "predictions"

    assert {path.name for path in predictions.glob(f"{keys[UNLABELLED]}_*")} == {
        f"{keys[UNLABELLED]}_{phase}.nii.gz" for phase in ("ED", "ES")
    }


def test_the_export_holds_the_very_voxels_and_names_nobody(mnms: Path, raw: Path):
    keys = pd.read_csv(mnms / "01_raw" / "key.csv").set_index("source_id")["subject_id"]
    (image,) = raw.glob(f"imagesT?/{keys[SUBJECTS[0]]}_ES_0000.nii.gz")

    np.testing.assert_array_equal(np.asanyarray(nib.load(image).dataobj), cine_image()[..., ES])
    files = [path for path in raw.rglob("*") if path.is_file()]
    # neither by their ids, nor the subject without a label by its key
    ids = re.compile("|".join([*SUBJECTS, keys[UNLABELLED]]))
    assert [path for path in files if ids.search(str(path.relative_to(raw)) + readable(path))] == []
    left_out = pd.read_csv(raw / "omissions.csv").set_index("step").loc["Export to nnU-Net"]
    assert (left_out["count"], left_out["total"], left_out["reason"]) == (1, len(SUBJECTS), "no label")


def test_the_export_trains_and_tests_as_the_study_does(mnms: Path, raw: Path):
    splits = pd.read_csv(mnms / "05_model_input" / "splits.csv").groupby("split")["subject_id"].agg(set)
    first, *_ = json.loads((raw / "splits_final.json").read_text())
    keys = pd.read_csv(mnms / "01_raw" / "key.csv").set_index("source_id")["subject_id"]

    assert {name[:-3] for name in first["train"]} == splits["train"]
    assert {name[:-3] for name in first["val"]} == splits["validation"]
    for folder in ("imagesTs", "labelsTs"):
        assert {path.name[:8] for path in (raw / folder).iterdir()} == splits["test"] - {keys[UNLABELLED]}
    assert accumulation_fault(raw) is None
    assert json.loads((raw / "dataset.json").read_text())["numTraining"] == len(list((raw / "labelsTr").iterdir()))


def test_the_export_is_read_back_as_the_same_cohort(project: Project, mnms: Path, raw: Path):
    indexing = ("--pipelines", "data_engineering", "--to-nodes", "index_cohort")
    checked(project.run("--env", "nnunet", *indexing, params={"source_root": raw.parent}))

    there, back = (
        pd.read_parquet(folder / "02_intermediate" / "scans.parquet").drop(columns="fingerprint")
        for folder in (mnms, project.folder / "data" / "nnunet")
    )
    labelled = there[there["labelled"]]
    # shapes, spacings and intensities below the labels, of every labelled scan
    pd.testing.assert_frame_equal(back, labelled.reset_index(drop=True))
    groups = [
        pd.read_parquet(folder / "03_primary" / "subjects.parquet")[["subject_id", "protected_group"]]
        for folder in (mnms, project.folder / "data" / "nnunet")
    ]
    exported = groups[0][groups[0]["subject_id"].isin(labelled["subject_id"])]
    pd.testing.assert_frame_equal(groups[1], exported.reset_index(drop=True))
