"""A study of UK Biobank's archives and tables, and not a trace of a participant's id outside the table of keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from tests.end_to_end.clinic import readable
from tests.sources.ukbb import biobank
from tests.sources.ukbb.biobank import IDS, write_biobank
from tests.studies import Project, write_tiny_project

pytestmark = pytest.mark.slow

PARAMETERS = """
attributes:
  protected_attribute: race
  audit_attributes: [race, sex]
  covariates: [age, bmi, centre, observer]
  missing_protected_attribute: drop
split: {method: stratified, test_fraction: 0.3, validation_fraction: 0.2, min_test_per_group: 2,
        min_validation_per_group: 1}
plans: {spacing: [2.0, 2.0], patch: [32, 32], batch_size: 4, base_filters: 4, stages: 3}
quarantine: {largest_share: 0.2}
"""
TRAINING = """
training: {epochs: 2, iterations_per_epoch: 1, threads: 1, validation_batches: 1}
inference: {threads: 1}
"""
IN_A_TEXT = re.compile(rf"(?<!\d)(?:{'|'.join(IDS)})(?!\d)")
BROKEN, CONTRADICTED, WITHOUT_CONTOURS, WITHOUT_RACE = IDS[3], IDS[4], IDS[5], IDS[6]


@dataclass(frozen=True)
class Biobank:
    """A project, the archives, and the study that was made of them."""

    project: Project
    root: Path

    @property
    def data(self) -> Path:
        return self.project.folder / "data" / "ukbb"

    def table(self, path: str) -> pd.DataFrame:
        whole = self.data / path
        return pd.read_parquet(whole) if whole.suffix == ".parquet" else pd.read_csv(whole)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Biobank:
    folder = tmp_path_factory.mktemp("biobank")
    root = write_biobank(folder / "archives")
    spoil(root)
    project = write_tiny_project(folder / "project", project_root)
    conf = project.folder / "conf" / "ukbb"
    (conf / "parameters_data_engineering.yml").write_text(PARAMETERS)
    (conf / "parameters_training.yml").write_text(TRAINING)
    (conf / "globals.yml").write_text(f"data_root: data/ukbb\nsource_root: {root}\n")
    biobank_study = Biobank(project, root)
    finished = project.run(
        "--env", "ukbb", "--pipelines", "baseline,evaluation,reporting", params={"source_root": root}
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    (folder / "printed").write_text(finished.stdout + finished.stderr)
    return biobank_study


def spoil(root: Path) -> None:
    archive = root / "bulk" / BROKEN[-2:] / f"{BROKEN}_20209_2_0.zip"
    archive.write_bytes(archive.read_bytes()[:2000])
    (root / "bulk" / WITHOUT_CONTOURS[-2:] / f"{WITHOUT_CONTOURS}_cvi42.zip").unlink()
    rows = biobank.demographics()
    rows[WITHOUT_RACE]["p21000_i0"] = "-3"
    biobank.write_table(root / "participant.csv", rows)
    with (root / "participant.csv").open("a") as file:
        file.write(f"{CONTRADICTED},0,2,60,22,170,70,11025\n")


def test_everybody_who_can_be_used_takes_part(study: Biobank):
    subjects = study.table("03_primary/subjects.parquet")

    assert len(subjects) == len(IDS) - 4
    assert set(subjects["protected_group"]) == {"White", "Black"}
    assert set(subjects["sex"]) == {"female", "male"}
    assert subjects["observer"].nunique() == 1
    assert set(study.table("08_reporting/table1_baseline.csv")["attribute"]) >= {"protected_group", "sex"}


def test_the_others_are_listed_with_their_reasons(study: Biobank):
    quarantine = study.table("02_intermediate/quarantine.csv").set_index("subject_id")["reason"]
    keys = pd.read_csv(study.data / "01_raw" / "key.csv", dtype="str").set_index("source_id")["subject_id"]

    assert set(quarantine.index) == {keys[BROKEN], keys[CONTRADICTED]}
    assert "archive is truncated" in quarantine[keys[BROKEN]]
    assert WITHOUT_CONTOURS not in keys.index


def test_no_log_table_page_or_name_of_a_file_gives_an_id_away(study: Biobank):
    places = [path for path in study.project.folder.rglob("*") if path.is_file() and path.name != "key.csv"]
    named = [
        str(path) for path in places if IN_A_TEXT.search(str(path.relative_to(study.project.folder)) + readable(path))
    ]

    assert len(places) > 100
    assert named == []
    assert not IN_A_TEXT.search((study.root.parent / "printed").read_text())


def test_a_second_run_has_nothing_to_do(study: Biobank):
    again = study.project.run(
        "--env", "ukbb", "--pipelines", "baseline,evaluation,reporting", params={"source_root": study.root}
    )

    assert again.returncode == 0
    assert "Converting" not in again.stdout
    assert "Running node" not in again.stdout


@pytest.mark.slow
def test_neither_does_what_kedro_viz_exports(study: Biobank, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KEDRO_ENV", "ukbb")

    built = study.project.kedro("viz", "build", "--include-previews")

    assert built.returncode == 0, built.stderr
    exported = [path for path in (study.project.folder / "build").rglob("*") if path.is_file()]
    assert exported
    assert not [path for path in exported if IN_A_TEXT.search(path.read_bytes().decode("latin-1"))]


@pytest.mark.slow
def test_nor_does_a_notebook_that_shows_the_cohort(study: Biobank):
    shown = nbformat.read(study.project.folder / "notebooks" / "01_cohort.ipynb", as_version=4)
    client = NotebookClient(shown, timeout=300, resources={"metadata": {"path": study.project.folder / "notebooks"}})

    client.execute(env={**study.project.environment(), "KEDRO_ENV": "ukbb"})

    assert any("image/png" in output.get("data", {}) for cell in shown.cells for output in cell.get("outputs", []))
    assert not IN_A_TEXT.search(nbformat.writes(shown))
