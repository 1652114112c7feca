"""Every environment in ``conf`` runs with its own defaults, from scans to the report, predictions and the export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from tests.end_to_end.cases.place import Done, words_of
from tests.end_to_end.layouts import LAYOUTS, write_unlabelled
from tests.studies import LOCAL_GLOBALS, Project, write_tiny_project

pytestmark = pytest.mark.slow
EMBEDDED = "local"
"""The environment of ``conf/base``, which generates its own cohort."""
STUDY = ("data_engineering", "cohort_report", "balanced", "evaluation", "reporting", "export_nnunet")
"""``balanced`` is the strategy that environments configure themselves."""
CHANGED = {"training.epochs": 1, "training.iterations_per_epoch": 1, "plans.base_filters": 4}
"""What is not as shipped, besides where data and study are: a network is trained for one step and has few filters.

The embedded cohort also has fewer subjects (``LOCAL_GLOBALS``). Splits, attributes, spacing, patches and all that is
audited and predicted are those of the environment.
"""
TEST_SUBJECTS = {"acdc": 4, "mnms": 20, "nnunet": 4, "sunnybrook": 3, "ukbb": 4, EMBEDDED: 12}
PROTECTED = {
    "acdc": "pathology",
    "mnms": "sex",
    "nnunet": "protected_group",
    "sunnybrook": "pathology",
    "ukbb": "race",
    EMBEDDED: "group",
}
FOREIGN = re.compile(r"(?<!Kedro)Warning: |Traceback")
"""Warnings of libraries, and what no user can read."""


class Study:
    """A study in one environment: its folder, and what its commands printed."""

    def __init__(self, project: Project, environment: str, folder: Path) -> None:
        self.environment, self.folder, self._project = environment, folder, project
        self._where = () if environment == EMBEDDED else ("--env", environment)
        self._params: Mapping[str, object] = {"data_root": self.data, **CHANGED}
        if environment != EMBEDDED:
            LAYOUTS[environment](folder / "source")
            self._params = {**self._params, "source_root": folder / "source"}

    @property
    def data(self) -> Path:
        return self.folder / "study"

    def run(self, *pipelines: str, **params: object) -> Done:
        """Run pipelines; fails where the command does."""
        given = {**self._params, **params}
        done = Done(self._project.run(*self._where, "--pipelines", ",".join(pipelines), params=given), self.data)
        return done.succeeds()

    def table(self, name: str) -> pd.DataFrame:
        path = self.data / name
        return pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)

    def page(self, name: str) -> str:
        return words_of(self.data / "08_reporting" / f"{name}.html")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """The project as it is shipped."""
    project = write_tiny_project(tmp_path_factory.mktemp("environments") / "project", project_root)
    (project.folder / "conf" / "local" / "parameters_tiny.yml").unlink()
    assert (project.folder / "conf" / "local" / "globals.yml").read_text() == LOCAL_GLOBALS
    return project


def test_every_environment_is_tried(project_root: Path):
    environments = {path.name for path in (project_root / "conf").iterdir() if path.is_dir()} - {"base", "local"}

    assert set(TEST_SUBJECTS) == set(PROTECTED) == {*environments, EMBEDDED}
    assert set(LAYOUTS) == environments


@pytest.mark.parametrize("environment", TEST_SUBJECTS)
def test_runs_with_its_own_defaults(environment: str, project: Project, tmp_path: Path):
    study = Study(project, environment, tmp_path)

    ran = study.run(*STUDY)

    assert not FOREIGN.search(ran.printed)
    says_of_the_protected_attribute_what_is_true(study)
    exports(study)
    predicts(study)


def says_of_the_protected_attribute_what_is_true(study: Study) -> None:
    protected, tested = PROTECTED[study.environment], TEST_SUBJECTS[study.environment]
    audited = study.table("08_reporting/audit_groups.csv")
    checks = study.table("08_reporting/cohort/checks.csv").set_index("check")
    own = audited[audited["attribute"] == protected]

    assert study.table("07_model_output/balanced/scores.parquet")["subject_id"].nunique() == tested
    assert own["n"].sum() == tested
    # the protected attribute comes first, also where its groups are too small to be compared
    assert audited["attribute"].iloc[0] == protected
    assert f"By {protected}" in study.page("report")
    assert len(study.table("08_reporting/table2.csv")) == 1
    # so few subjects are tested that a group of another attribute may have none
    assert set(checks.index[checks["status"] == "fail"]) <= {"test subjects of every group"}
    sexes = checks.loc["every sex in every group"]
    assert (sexes["status"] == "not checked") == (sexes["found"].startswith("sex is"))
    assert "no subject is" not in sexes["found"]


def exports(study: Study) -> None:
    (dataset,) = (study.data / "08_reporting" / "nnunet_raw").glob("*/dataset.json")
    people = pd.read_csv(dataset.parent / "demographics.csv")

    assert len(people) == len(study.table("03_primary/subjects.parquet"))


def predicts(study: Study) -> None:
    write_unlabelled(study.folder / "new")

    study.run("predict", predict_root=study.folder / "new", predict_strategy="balanced")

    volumes = study.table("07_model_output/predict/balanced/volumes.csv")
    assert volumes["subject_id"].value_counts().to_dict() == {"new-0001": 2, "new-0002": 1}
