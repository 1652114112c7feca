"""A study whose labels hold the left ventricle alone, from scans to the page of the audit, and to a folder of cines."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from tests.end_to_end.clinic import Clinic, write_clinic

pytestmark = pytest.mark.slow

LV = {"LVBP", "LVM"}
CELLS = ["ED LVBP", "ED LVM", "ES LVBP", "ES LVM"]
RIGHT = 1
"""Value of the right ventricle in ACDC's labels."""


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Clinic:
    """A finished study of a clinic that has drawn no right ventricle."""
    clinic = write_clinic(tmp_path_factory.mktemp("left"), project_root)
    for path in clinic.source.glob("*/*_gt.nii.gz"):
        drawn = nib.load(path)
        label = np.asanyarray(drawn.dataobj).copy()
        label[label == RIGHT] = 0
        nib.save(nib.Nifti1Image(label, drawn.affine), path)
    finished = clinic.run("--pipelines", "baseline,evaluation")
    assert finished.returncode == 0, finished.stderr
    return clinic


def test_the_plans_name_what_is_drawn(clinic: Clinic):
    plans = json.loads((clinic.data / "05_model_input" / "plans.json").read_text())

    assert plans["structures"] == sorted(LV)


def test_nothing_else_is_predicted(clinic: Clinic):
    predictions = sorted((clinic.data / "07_model_output").glob("*/*/predictions/*_E[DS].nii.gz"))

    assert predictions
    assert max(int(np.asanyarray(nib.load(path).dataobj).max()) for path in predictions) <= 2


def test_nothing_else_is_scored(clinic: Clinic):
    scores = pd.read_parquet(clinic.data / "07_model_output" / "baseline" / "scores.parquet")

    assert set(scores["structure"]) == LV


def test_tables_have_columns_and_measures_of_what_is_drawn_alone(clinic: Clinic):
    folder = clinic.data / "08_reporting"
    table, spread, agreement, classes = (
        pd.read_csv(folder / f"{name}.csv")
        for name in ("table1_baseline", "table1_seed_sd", "clinical_agreement", "ef_reclassification")
    )

    assert list(table.columns) == ["attribute", "group", "n", *CELLS, "Avg"]
    assert table[CELLS].iloc[0].notna().all()
    np.testing.assert_allclose(table["Avg"].iloc[1], table[CELLS].iloc[1].mean())
    assert list(spread.columns)[5:] == [*CELLS, "Avg"]
    assert set(agreement["measure"]) == {"LVEDV", "LVESV", "LVSV", "LVEF", "LV mass"}
    assert set(classes["measure"]) == {"LVEF"}
    assert "insufficient evidence" in (folder / "audit.html").read_text()


def test_post_processing_decides_on_what_is_drawn_alone(clinic: Clinic):
    chosen = json.loads((clinic.data / "06_models" / "baseline" / "postprocessing.json").read_text())

    assert [{one["structure"] for one in fold["structures"]} for fold in chosen["folds"]] == [LV]


def test_volumes_of_other_structures_are_unknown_and_not_zero(clinic: Clinic, tmp_path: Path):
    subject = min(clinic.source.iterdir())
    shutil.copytree(subject, tmp_path / subject.name)

    finished = clinic.run(
        "--pipelines", "predict", params={"predict_root": str(tmp_path), "predict.keep": "all_frames"}
    )

    assert finished.returncode == 0, finished.stderr
    volumes = pd.read_csv(clinic.data / "07_model_output" / "predict" / "baseline" / "volumes.csv")
    assert len(volumes) == 2
    assert volumes[["lvbp_ml", "lvm_ml"]].notna().all(axis=None)
    assert volumes["rvbp_ml"].isna().all()
