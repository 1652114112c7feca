"""Every strategy of the paper, every control and every combination, from nothing to a row of Table 2."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from faircmr.pipeline_registry import FAMILIES, STRATEGIES
from tests.studies import Project, digests, write_tiny_project

pytestmark = pytest.mark.slow

GROUPS = list("ABCDEF")
PAPER = ["baseline", "stratified", "meta_learning", "protected_groups", "balanced"]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """A project whose tiny study of the paper's strategies is finished; only to be read."""
    project = write_tiny_project(tmp_path_factory.mktemp("paper") / "project", project_root)
    finished = project.run()
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return project


def test_the_five_strategies_of_the_paper_are_a_family():
    assert [name for name in STRATEGIES if FAMILIES[name] == "paper"] == PAPER
    assert set(FAMILIES.values()) == {"paper", "controls", "combinations"}


def test_the_study_of_the_paper_has_five_rows(paper: Project):
    table = pd.read_csv(paper.data / "08_reporting" / "table2.csv").set_index("strategy")

    assert table.index.tolist() == PAPER
    assert table[[*GROUPS, "Avg", "SD", "SER"]].notna().all(axis=None)


def job(project: Project, strategy: str, fit: str = "shared") -> dict:
    path = project.data / "06_models" / strategy / "seed-0" / fit / "job.json"
    content: dict = json.loads(path.read_text())
    return content


def test_the_balanced_database_holds_each_group_equally_and_nobody_who_is_tested(paper: Project):
    cohort = pd.read_csv(paper.data / "05_model_input" / "balanced" / "cohort.csv")
    splits = pd.read_csv(paper.data / "05_model_input" / "splits.csv")

    assert cohort["protected_group"].value_counts().to_dict() == dict.fromkeys(GROUPS, 3)
    assert not set(cohort["subject_id"]) & set(splits.loc[splits["split"] == "test", "subject_id"])
    assert (cohort["split"] == "validation").sum() == math.ceil(0.2 * len(cohort))


def test_each_protected_group_has_a_model_that_begins_with_the_shared_one_and_segments_its_members(paper: Project):
    subjects = pd.read_parquet(paper.data / "03_primary" / "subjects.parquet").set_index("subject_id")
    predictions = json.loads((paper.data / "07_model_output" / "protected_groups" / "predictions.json").read_text())

    for group in GROUPS:
        own = job(paper, "protected_groups", f"group-{group}")
        assert own["after"]["name"] == "seed-0/shared"
        assert {subjects.loc[one, "protected_group"] for one in own["training_subjects"]} == {group}
    assert all(
        entry["model"] == subjects.loc[entry["subject_id"], "protected_group"] for entry in predictions["predictions"]
    )


def test_the_classifier_of_fair_meta_learning_is_reported_and_that_of_others_is_not(paper: Project):
    reports = {
        strategy: pd.read_csv(paper.data / "08_reporting" / f"classifier_{strategy}.csv")
        for strategy in ("meta_learning", "baseline")
    }

    assert reports["baseline"].empty
    report = reports["meta_learning"]
    assert set(report["level"]) == {"subject", "slice"}
    assert {"accuracy", "balanced_accuracy", "majority_rate", "precision", "recall"} <= set(report["measure"])
    assert report.loc[report["measure"] == "accuracy", ["low", "value", "high"]].notna().all(axis=None)
    assert (report.loc[report["measure"] == "majority_rate", "value"] - 1 / len(GROUPS)).abs().max() < 1e-9


def test_the_attribute_reaches_no_training_that_is_blind_to_it(paper: Project):
    for strategy in ("baseline", "balanced"):
        content = job(paper, strategy)
        assert (content["keys"], content["strata"], content["objective"]["parameters"]) == ({}, {}, {})


@pytest.fixture(scope="module")
def everything(paper: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The same after every control and every combination has run; only to be read."""
    project = paper.copied_to(tmp_path_factory.mktemp("everything") / "project")
    for pipelines in ("controls", "combinations", "evaluation"):
        finished = project.run("--pipelines", pipelines)
        assert finished.returncode == 0, finished.stdout + finished.stderr
    return project


def test_every_control_and_combination_has_a_row_beside_what_it_is_compared_with(everything: Project):
    table = pd.read_csv(everything.data / "08_reporting" / "table2.csv")

    assert table["strategy"].tolist() == list(STRATEGIES)


def test_calibration_by_group_leaves_groups_with_few_validation_subjects_as_they_are(everything: Project):
    decided = json.loads((everything.data / "06_models" / "combined" / "postprocessing.json").read_text())

    (fold,) = decided["calibration"]["folds"]
    assert [one["key"] for one in fold["adjustments"]] == GROUPS
    assert all("fewer than 3" in one["note"] for one in fold["adjustments"]), "one validation subject a group"


def test_the_controls_have_the_size_and_the_stages_of_what_they_control(everything: Project):
    sizes = {
        name: len(pd.read_csv(everything.data / "05_model_input" / name / "cohort.csv"))
        for name in STRATEGIES
        if name in {"balanced", "size_matched"} or name.startswith("smallest_share")
    }

    assert set(sizes.values()) == {3 * len(GROUPS)}
    assert job(everything, "two_stage")["stage"] == job(everything, "protected_groups", "group-A")["stage"]


ONE_GROUP = """cohort_selection: {proportions: {A: 1.0}}
training: {epochs: 4, iterations_per_epoch: 1, threads: 1, validation_batches: 1}
protected_groups: {strategy: {objective: {kind: fair_meta_learning, blocks: [2]}}}"""
REFUSED = {
    "a schedule without halves": (
        "training: {epochs: 3, iterations_per_epoch: 1, threads: 1, validation_batches: 1}",
        "training.epochs: 3; an even number, to be halved for the stages of seed-0/shared; ",
    ),
    "a model of a group that nobody belongs to": (
        "protected_groups: {strategy: {stages: {groups: [Z]}}}",
        "model of protected group 'Z': no training subject in seed-0/shared; groups with training subjects: A, B, C, D",
    ),
    "a posterior without a classifier": (
        "protected_groups: {strategy: {stages: {unknown_group: posterior}}}",
        "which needs a classifier of protected groups: choose objective fair_meta_learning, or unknown_group 'shared'",
    ),
    "a stage that there is not": (
        "protected_groups: {strategy: {stages: {kind: three}}}",
        "protected_groups.strategy.stages: 'three'; one of: 'one', 'two', 'protected_groups'",
    ),
    "a classifier of one group": (ONE_GROUP, "protected groups of the training subjects: A; at least 2"),
}


@pytest.mark.parametrize(("parameters", "said"), REFUSED.values(), ids=REFUSED)
def test_a_strategy_that_cannot_be_is_refused_in_one_line(finished_project: Project, parameters: str, said: str):
    # two files of an environment may not set the same value
    tiny = finished_project.folder / "conf" / "local" / "parameters_tiny.yml"
    names = {line.partition(":")[0] for line in parameters.splitlines()}
    kept = [line for line in tiny.read_text().splitlines() if line.partition(":")[0] not in names]
    tiny.write_text("\n".join([*kept, *parameters.splitlines(), ""]))
    models = finished_project.data / "06_models"
    before = digests(models)

    finished = finished_project.run("--pipelines", "protected_groups")

    assert finished.returncode == 1
    line = finished.stderr.strip().splitlines()[-1]
    assert line.startswith("Error: ")
    assert said in line
    assert {path: digest for path, digest in digests(models).items() if path in before} == before
