"""Zones of a prostate, one scan a patient, from nnU-Net's raw format to the audit: as the how-to says."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from tests.studies import Project, write_tiny_project

pytestmark = pytest.mark.slow

ZONES = ["PERIPHERAL_ZONE", "TRANSITION_ZONE"]
CELLS = [f"ED {zone}" for zone in ZONES]
SCANNERS = ("old", "new")
PLANS = "plans: {spacing: null, patch: [32, 32], batch_size: 4, base_filters: 4, stages: 3}"
TINY = """
training: {epochs: 2, iterations_per_epoch: 1, threads: 1, validation_batches: 1}
inference: {overlap: 0.0, threads: 1}
audit: {draws: 1000, min_group_size: 2}
"""


def blocks_of(how_to: str) -> dict[str, str]:
    """What the how-to puts into files, by the names of these."""
    return dict(re.findall(r"```(?:yaml|python)\n# (\S+)\n(.*?)```", how_to, flags=re.DOTALL))


def with_members(source: str, members: str) -> str:
    """The source of ``Structure`` with further members at its end."""
    lines = source.splitlines(keepends=True)
    (structure,) = (node for node in ast.parse(source).body if getattr(node, "name", "") == "Structure")
    return "".join([*lines[: structure.end_lineno], members, *lines[structure.end_lineno :]])


def write_prostate(folder: Path, number: int) -> None:
    """An ellipsoid within another, in noise; those from the old scanner are paler."""
    z, y, x = np.meshgrid(np.arange(6) - 2.5, np.arange(40) - 20, np.arange(40) - 19, indexing="ij")
    size = 9 + number % 3
    inside = np.hypot(np.hypot(y, 1.3 * x), 3.0 * z)
    label = np.where(inside < 0.6 * size, 2, np.where(inside < size, 1, 0)).astype(np.uint8)
    contrast = 1.0 if number % 2 else 0.6
    noise = np.random.default_rng(number).normal(0.0, 8.0, label.shape)
    image = 50.0 + contrast * np.choose(label, (0.0, 120.0, 60.0)) + noise
    for part, name, data in (("images", "_0000", image.astype(np.float32)), ("labels", "", label)):
        path = folder / f"{part}Tr" / f"prostate_{number:03d}{name}.nii.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(nib.Nifti1Image(np.moveaxis(data, 0, 2), np.diag((1.0, 1.0, 3.0, 1.0))), path)


def write_data_set(folder: Path, patients: int = 24) -> Path:
    for number in range(patients):
        write_prostate(folder, number)
    labels = {"background": 0, "peripheral zone": 1, "transition zone": 2}
    description = {"channel_names": {"0": "T2"}, "labels": labels, "numTraining": patients, "file_ending": ".nii.gz"}
    (folder / "dataset.json").write_text(json.dumps(description))
    names = [f"prostate_{number:03d}" for number in range(patients)]
    people = {"subject_id": names, "scanner": np.resize(SCANNERS, patients), "age": 60 + np.arange(patients) % 17}
    pd.DataFrame(people).to_csv(folder / "demographics.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """A project that was changed as the how-to says, and its finished study."""
    folder = tmp_path_factory.mktemp("prostate")
    project = write_tiny_project(folder / "project", project_root)
    for name, content in blocks_of((project_root / "docs" / "how_to" / "own_modality.md").read_text()).items():
        path = project.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(with_members(path.read_text(), content) if path.suffix == ".py" else content)
    own = project.folder / "conf" / "prostate" / "parameters.yml"
    # a network that is trained in no time, and otherwise what the how-to has
    own.write_text(re.sub("^plans:.*", PLANS, own.read_text(), flags=re.MULTILINE) + TINY)
    source = write_data_set(folder / "Dataset005_Prostate")
    done = project.run(
        "--env", "prostate", "--pipelines", "cohort_report,baseline,evaluation", params={"source_root": source}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return project


@pytest.fixture
def study(project: Project) -> Path:
    return project.folder / "data" / "prostate"


def test_the_how_to_has_every_file():
    how_to = Path(__file__).parents[2] / "docs" / "how_to" / "own_modality.md"

    assert set(blocks_of(how_to.read_text())) == {
        "src/faircmr/core/scans/anatomy.py",
        *(f"conf/prostate/{name}.yml" for name in ("catalog", "globals", "parameters")),
    }


def test_the_plans_name_what_is_drawn(study: Path):
    assert json.loads((study / "05_model_input" / "plans.json").read_text())["structures"] == ZONES


def test_scans_of_one_phase_are_predicted_with_both_zones_and_nothing_else(study: Path):
    predictions = sorted((study / "07_model_output").glob("*/*/predictions/*.nii.gz"))

    assert predictions
    assert {path.name.rsplit("_", 1)[1] for path in predictions} == {"ED.nii.gz"}
    assert {int(value) for path in predictions for value in np.unique(nib.load(path).dataobj)} <= {0, 4, 5}


def test_tables_have_a_column_for_each_zone(study: Path):
    table = pd.read_csv(study / "08_reporting" / "table1_baseline.csv")
    scores = pd.read_parquet(study / "07_model_output" / "baseline" / "scores.parquet")

    assert list(table.columns) == ["attribute", "group", "n", *CELLS, "Avg"]
    assert set(table["group"]) >= set(SCANNERS)
    assert table[CELLS].notna().all(axis=None)
    assert set(scores["structure"]) == set(ZONES)
    assert {"dsc", "hd95", "assd", "reference_volume"} <= set(scores["metric"])


def test_what_a_heart_has_and_a_prostate_has_not_is_absent(study: Path):
    for name in ("clinical_agreement", "ef_reclassification"):
        table = pd.read_csv(study / "08_reporting" / f"{name}.csv")

        assert table.empty
        assert "measure" in table


def test_the_audit_is_by_scanner(study: Path):
    groups = pd.read_csv(study / "08_reporting" / "audit_groups.csv")
    page = (study / "08_reporting" / "audit.html").read_text()

    assert groups[["attribute", "group"]].to_numpy().tolist() == [["scanner", group] for group in sorted(SCANNERS)]
    assert "By scanner" in page
    assert "prostate_0" not in page
