"""The list of fits stands beside their weights and can be moved with them."""

import shutil
from pathlib import Path

import pytest
from kedro.io import DatasetError

from faircmr.core import OutputError
from faircmr.datasets import ModelsDataset
from faircmr.segmentation.training import FitRecord, TrainedModels

FIT = FitRecord(name="seed-0/shared", seed=0, fingerprint="a", history=(), weights_epoch=0)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "06_models" / "baseline"
    for file in FIT.files(folder):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"content")
    return folder


@pytest.fixture
def dataset(folder):
    dataset = ModelsDataset(str(folder / "models.json"))
    dataset.save(TrainedModels(folder=folder, fits=(FIT,)))
    return dataset


def test_come_back_as_they_were_saved(dataset, folder):
    assert dataset.load() == TrainedModels(folder=folder, fits=(FIT,))
    assert dataset.exists()
    assert dataset.files() == [folder / "models.json", *FIT.files(folder)]


def test_are_found_where_the_study_was_moved_to(dataset, folder, tmp_path):
    moved = shutil.move(folder, tmp_path / "elsewhere")

    assert ModelsDataset(str(Path(moved) / "models.json")).load().folder == tmp_path / "elsewhere"
    assert str(tmp_path) not in (tmp_path / "elsewhere" / "models.json").read_text()


def test_are_not_listed_before_their_weights_are_there(folder):
    FIT.files(folder)[1].unlink()

    with pytest.raises(DatasetError, match=r"model seed-0/shared: no weights\.safetensors; a finished fit") as error:
        ModelsDataset(str(folder / "models.json")).save(TrainedModels(folder=folder, fits=(FIT,)))

    assert isinstance(error.value.__cause__, OutputError)
    assert not (folder / "models.json").exists()


def test_do_not_exist_once_weights_are_gone(dataset, folder):
    FIT.files(folder)[1].unlink()

    assert not dataset.exists()


def test_do_not_exist_with_a_damaged_list(dataset, folder):
    (folder / "models.json").write_text("{")

    assert dataset.files() == [folder / "models.json"]
    with pytest.raises(DatasetError, match=r"models\.json: missing or damaged"):
        dataset.load()
