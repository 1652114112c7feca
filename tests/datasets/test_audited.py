"""What users bring is read and never written, and changes are noticed."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from faircmr.core import InvalidCohortError
from faircmr.core.scans import Geometry
from faircmr.datasets import MaskPairsDataset, UserScoresDataset, UserTableDataset
from faircmr.sources import write_label


def test_a_table_is_text_and_is_not_written(tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_text("subject_id,sex\n007,f\n")
    dataset = UserTableDataset(str(path), "audit_demographics")

    assert dataset.load().to_numpy().tolist() == [["007", "f"]]
    assert dataset.exists()
    assert dataset.files() == []
    assert str(tmp_path) not in str(dataset)
    with pytest.raises(DatasetError, match="audit_demographics is read only"):
        dataset.save(pd.DataFrame())


def test_another_file_has_another_fingerprint(tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_text("a\n1\n")
    dataset = UserTableDataset(str(path), "audit_demographics")
    before = dataset.fingerprint()

    assert dataset.fingerprint() == before
    path.write_text("a\n12\n")
    assert dataset.fingerprint() != before
    path.unlink()
    assert dataset.fingerprint() != before


def test_scores_may_be_nnunets_summary(tmp_path: Path):
    path = tmp_path / "summary.json"
    case = {"prediction_file": "x/p1_ED.nii.gz", "metrics": {"1": {"Dice": 0.5}}}
    path.write_text(json.dumps({"metric_per_case": [case]}))

    table = UserScoresDataset(str(path), "audit_scores").load()

    assert table.to_numpy().tolist() == [["x/p1_ED.nii.gz", "1", "dsc", 0.5]]
    with pytest.raises(DatasetError) as error:
        UserScoresDataset(str(tmp_path / "other.json"), "audit_scores").load()
    assert isinstance(error.value.__cause__, InvalidCohortError)
    assert str(error.value.__cause__).startswith("audit_scores: No such file")
    assert str(tmp_path) not in str(error.value)


def test_a_summary_may_be_in_upper_case_and_is_no_pipe(tmp_path: Path):
    path = tmp_path / "SUMMARY.JSON"
    path.write_text(
        json.dumps({"results": {"all": [{"1": {"Dice": 0.5}, "test": "p1.nii.gz", "reference": "p1.nii.gz"}]}})
    )

    assert UserScoresDataset(str(path), "audit_scores").load()["value"].tolist() == [0.5]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DatasetError, match="audit_scores: no file"):
        UserScoresDataset(str(path), "audit_scores").load()


def test_masks_are_paired_and_their_changes_noticed(tmp_path: Path):
    label = np.ones((1, 2, 2), dtype=np.uint8)
    dataset = MaskPairsDataset(str(tmp_path / "found"), str(tmp_path / "drawn"))
    assert not dataset.exists()
    with pytest.raises(DatasetError, match="no masks found"):
        dataset.load()
    for folder in ("found", "drawn"):
        (tmp_path / folder).mkdir()
        write_label(tmp_path / folder / "a.nii", label, Geometry(label.shape, (10.0, 1.0, 1.0)))
    before = dataset.fingerprint()

    assert list(dataset.load().readers) == ["a"]
    assert dataset.exists()
    os.utime(tmp_path / "drawn" / "a.nii", (1, 1))
    assert dataset.fingerprint() != before
    with pytest.raises(DatasetError, match="read only"):
        dataset.save(dataset.load())
