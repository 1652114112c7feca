"""Table of classifier predictions for test subjects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from faircmr.fairness.metrics import reports_by_seed
from faircmr.mitigation.objectives import classify_subjects
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.localiser import roi_table, with_rois
from tests.mitigation.classifying_fits import GROUPS, classifying_models

HOW = InferenceParameters(device="cpu", threads=1)
COHORT = with_rois(
    pd.DataFrame({"subject_id": ["sub-0006", "sub-0007", "sub-0008"], "split": ["validation", "test", "test"]}),
    roi_table([]),
)


def classified(tensors: Path, models: Path, last: str) -> pd.DataFrame:
    subjects = pd.DataFrame({"subject_id": ["sub-0006", "sub-0007", "sub-0008"], "protected_group": ["A", "B", last]})
    return classify_subjects(
        classifying_models(tensors, models, seeds=(0, 1)), TensorStore(tensors), COHORT, subjects, HOW
    )


def test_each_test_subject_has_a_row_a_seed_phase_and_slice(tensors: Path, tmp_path: Path):
    table = classified(tensors, tmp_path, "A")

    assert list(table.columns) == [
        *("seed", "fold", "subject_id", "protected_group", "phase", "slice_index"),
        *(f"log_probability_{group}" for group in GROUPS),
    ]
    slices = table.groupby(["seed", "subject_id", "phase"])["slice_index"].apply(tuple)
    assert len(slices) == 2 * 2 * 2
    assert set(slices) == {(0, 1, 2)}
    assert sorted(set(table["subject_id"])) == ["sub-0007", "sub-0008"]
    np.testing.assert_allclose(np.exp(table.filter(like="log_prob")).sum(axis=1), 1, rtol=1e-5)


def test_the_report_can_be_made_of_it(tensors: Path, tmp_path: Path):
    report = reports_by_seed(classified(tensors, tmp_path, "A"), "A")

    assert sorted(set(report["seed"])) == [0, 1]
    rate = report[(report["measure"] == "training_majority_rate") & (report["level"] == "subject")]
    assert rate["value"].tolist() == [0.5, 0.5]


def test_a_group_that_nobody_trained_on_is_left_out_and_counted(tensors: Path, tmp_path: Path, caplog):
    table = classified(tensors, tmp_path, "new")

    assert set(table["subject_id"]) == {"sub-0007"}
    assert "1 of 2 test subjects are not classified: no subject of their group was trained on" in caplog.messages


def test_no_classifier_no_report():
    report = reports_by_seed(pd.DataFrame())

    assert report.empty
    assert list(report.columns)[:3] == ["seed", "level", "group"]


def test_the_column_of_folds_is_of_one_type_also_where_there_are_none(tensors: Path, tmp_path: Path):
    assert str(classified(tensors, tmp_path, "A")["fold"].dtype) == "Int64"
