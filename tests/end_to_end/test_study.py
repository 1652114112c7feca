"""What a user types, what it prints, and what lies on disk afterwards."""

from __future__ import annotations

import json
import stat

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from faircmr.fairness.metrics import Metric
from tests.studies import TWO, Project

GROUPS = list("ABCDEF")
CELLS = [f"{phase} {structure}" for phase in ("ED", "ES") for structure in ("LVBP", "LVM", "RVBP")]
STRATEGIES = ("baseline", "stratified")


def test_splits_divide_all_subjects(finished_study: Project):
    subjects = pd.read_parquet(finished_study.data / "03_primary" / "subjects.parquet")
    splits = pd.read_csv(finished_study.data / "05_model_input" / "splits.csv")

    assert sorted(splits["subject_id"]) == sorted(subjects["subject_id"])
    assert set(splits["split"]) == {"train", "validation", "test"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_fit_leaves_weights_and_what_made_them(finished_study: Project, strategy: str):
    fit = finished_study.data / "06_models" / strategy / "seed-0" / "shared"

    assert {path.name for path in fit.iterdir()} == {"weights.safetensors", "job.json", "fit.json", "progress.json"}
    assert json.loads((fit / "job.json").read_text())["plans"]["filters"] == [4, 8, 16]


def test_the_protected_group_reaches_stratified_training_alone(finished_study: Project):
    keys = {
        strategy: json.loads(
            (finished_study.data / "06_models" / strategy / "seed-0" / "shared" / "job.json").read_text()
        )["strata"]
        for strategy in STRATEGIES
    }

    assert keys["baseline"] == {}
    assert sorted(set(keys["stratified"].values())) == GROUPS


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_predictions_are_labels_on_the_scans_own_grid(finished_study: Project, strategy: str):
    key = pd.read_csv(finished_study.data / "01_raw" / "key.csv", dtype=str).set_index("subject_id")["source_id"]
    folder = finished_study.data / "07_model_output" / strategy / "seed-0" / "predictions"
    predictions = sorted(folder.glob("sub-*_E[DS].nii.gz"))

    assert len(predictions) == 2 * 2 * len(GROUPS)
    for path in predictions:
        subject_id, phase = path.name.removesuffix(".nii.gz").split("_")
        predicted = nib.load(path)
        source = nib.load(finished_study.data / "01_raw" / "scans" / f"{key[subject_id]}_{phase}.nii.gz")
        assert predicted.get_data_dtype() == np.uint8
        assert np.asanyarray(predicted.dataobj).max() <= 3
        np.testing.assert_array_equal(predicted.affine, source.affine)
        assert predicted.header.get_zooms() == source.header.get_zooms()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_scores_have_one_row_a_subject_phase_structure_and_metric(finished_study: Project, strategy: str):
    scores = pd.read_parquet(finished_study.data / "07_model_output" / strategy / "scores.parquet")

    assert list(scores.columns) == [
        *("strategy", "seed", "fold", "study_key", "subject_id", "phase", "structure", "metric", "value")
    ]
    assert set(scores["metric"]) == {str(metric) for metric in Metric} - {"invented"}, (
        "everything is drawn in everybody"
    )
    by_metric = scores.groupby("metric")["value"]
    assert set(by_metric.size()) == {2 * len(GROUPS) * len(CELLS)}
    assert by_metric.get_group("dsc").between(0, 1).all()
    assert scores["value"].notna().all()


def test_the_audit_describes_groups_of_which_it_can_say_nothing(finished_study: Project):
    folder = finished_study.data / "08_reporting"
    groups = pd.read_csv(folder / "audit_groups.csv")

    assert set(groups["model"]) == set(STRATEGIES)
    assert set(groups["verdict"]) <= {"different", "equivalent", "insufficient evidence"}
    assert groups.query("attribute == 'group' and model == 'baseline'")["group"].tolist() == GROUPS
    assert "insufficient evidence" in (folder / "audit.html").read_text()


def test_clinical_errors_are_told_of_every_group(finished_study: Project):
    folder = finished_study.data / "08_reporting"
    agreement, classes = (pd.read_csv(folder / f"{name}.csv") for name in ("clinical_agreement", "ef_reclassification"))

    assert set(agreement["measure"]) >= {"LVEDV", "LVEF", "LV mass", "RVEF"}
    assert set(agreement["group"]) == {*GROUPS, "all"}
    of_all = classes[classes["group"] == "all"]
    assert (of_all["n"] + of_all["without_reference"] == 2 * len(GROUPS)).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_table_1_has_both_totals_each_sex_and_each_group(finished_study: Project, strategy: str):
    table = pd.read_csv(finished_study.data / "08_reporting" / f"table1_{strategy}.csv")

    assert list(table.columns) == ["attribute", "group", "n", *CELLS, "Avg"]
    assert table["group"].tolist()[:2] == ["Total (mean of groups)", "Total (pooled)"]
    assert table.loc[table["attribute"] == "sex", "group"].tolist() == ["female", "male"]
    assert table.loc[table["attribute"] == "protected_group", "group"].tolist() == GROUPS


def test_table_2_has_both_strategies(finished_study: Project):
    table = pd.read_csv(finished_study.data / "08_reporting" / "table2.csv")

    assert list(table.columns) == ["strategy", *GROUPS, "Avg", "SD", "SER", "seeds"]
    assert table["strategy"].tolist() == list(STRATEGIES)
    np.testing.assert_allclose(table["Avg"], table[GROUPS].mean(axis=1))
    np.testing.assert_allclose(table["SD"], table[GROUPS].std(axis=1, ddof=1))


def test_only_the_owner_reads_the_table_of_keys(finished_study: Project):
    mode = (finished_study.data / "01_raw" / "key.csv").stat().st_mode

    assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "printed", "not_printed"),
    [
        (["--pipeline", "stratified"], ["Table 1: stratified"], ["Table 1: baseline", "Table 2"]),
        (["--pipelines", "stratified,evaluation"], ["Table 1: stratified", "Table 2"], ["Table 1: baseline"]),
        (["--pipelines", "evaluation"], ["Table 2", "baseline", "stratified"], ["Table 1"]),
        (["--pipelines", ",".join(TWO)], ["Table 1: baseline", "Table 1: stratified", "Table 2"], []),
    ],
    ids=["a strategy", "a strategy and the comparison", "the comparison", "everything"],
)
def test_a_run_with_nothing_to_do_still_prints_the_tables_that_it_concerns(
    finished_project: Project, arguments: list[str], printed: list[str], not_printed: list[str]
):
    before = finished_project.contents()

    finished = finished_project.run(*arguments)

    assert finished.returncode == 0, finished.stderr
    assert all(text in finished.stdout for text in printed)
    assert not any(text in finished.stdout for text in not_printed)
    assert finished_project.contents() == before


def test_a_strategy_alone_runs_on_a_fresh_clone_and_the_comparison_shows_it_alone(tiny_project: Project):
    finished = tiny_project.run("--pipelines", "stratified,evaluation")

    assert finished.returncode == 0, finished.stderr
    assert pd.read_csv(tiny_project.data / "08_reporting" / "table2.csv")["strategy"].tolist() == ["stratified"]
    assert not (tiny_project.data / "06_models" / "baseline").exists()


def test_another_training_seed_leaves_the_first_one_as_it_is(finished_project: Project):
    weights = finished_project.data / "06_models" / "baseline" / "seed-0" / "shared" / "weights.safetensors"
    before = weights.stat().st_mtime_ns

    (finished_project.folder / "conf" / "local" / "parameters_seeds.yml").write_text("fits: {training_seeds: [0, 1]}\n")
    finished = finished_project.run("--pipelines", "baseline")

    assert finished.returncode == 0, finished.stderr
    assert weights.stat().st_mtime_ns == before
    assert (finished_project.data / "06_models" / "baseline" / "seed-1" / "shared" / "weights.safetensors").exists()
    scores = pd.read_parquet(finished_project.data / "07_model_output" / "baseline" / "scores.parquet")
    assert set(scores["seed"]) == {0, 1}
