"""A work folder is open only while a run makes something there."""

import pytest
from kedro.io import DatasetError

from faircmr.core.host import WorkFolder
from faircmr.datasets import WorkFolderDataset


def test_tells_folder_and_code_to_whoever_works_there(tmp_path):
    dataset = WorkFolderDataset(str(tmp_path / "06_models"), of="baseline.model")

    dataset.code = "1a2b"

    assert dataset.load() == WorkFolder(tmp_path / "06_models", "1a2b")
    assert not dataset.exists()


def test_is_closed_outside_a_run(tmp_path):
    with pytest.raises(DatasetError, match=r"baseline\.model is not being made"):
        WorkFolderDataset(str(tmp_path), of="baseline.model").load()


def test_cannot_be_saved_and_determines_no_result(tmp_path):
    dataset = WorkFolderDataset(str(tmp_path), of="baseline.model")

    with pytest.raises(DatasetError):
        dataset.save("anything")
    assert dataset.ignored_by_keys
    assert dataset.files() == []
