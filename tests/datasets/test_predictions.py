"""Predictions lie where the output contract says, on the source's grid, and are read one at a time."""

import numpy as np
import pytest
from kedro.io import DatasetError

from faircmr.core import OutputError
from faircmr.core.scans import Geometry, Phase, Prediction, PredictionKey
from faircmr.datasets import PredictionsDataset

GRID = Geometry((2, 3, 4), (10.0, 1.25, 1.5))


def prediction(subject_id="sub-0001", phase=Phase.ED, seed=0, fold=None, value=1):
    return Prediction(subject_id, phase, seed, fold, np.full(GRID.shape, value, np.uint8), GRID)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "baseline"


@pytest.fixture
def dataset(folder):
    dataset = PredictionsDataset(str(folder))
    dataset.save(iter([prediction(), prediction(phase=Phase.ES, value=2), prediction("sub-0002", fold=1, value=0)]))
    return dataset


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_lie_in_a_folder_for_each_seed_and_fold(dataset, folder):
    files = {
        "predictions.json",
        "seed-0/predictions/sub-0001_ED.nii.gz",
        "seed-0/predictions/sub-0001_ES.nii.gz",
        "seed-0-fold-1/predictions/sub-0002_ED.nii.gz",
    }

    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == files
    assert {path.relative_to(folder).as_posix() for path in dataset.files()} == files
    assert dataset.exists()


def test_come_back_by_seed_fold_subject_and_phase(dataset):
    predictions = dataset.load()

    assert list(predictions) == [
        PredictionKey(0, None, "sub-0001", Phase.ED),
        PredictionKey(0, None, "sub-0001", Phase.ES),
        PredictionKey(0, 1, "sub-0002", Phase.ED),
    ]
    read = predictions[PredictionKey(0, None, "sub-0001", Phase.ES)]
    assert (read.subject_id, read.phase, read.seed, read.fold) == ("sub-0001", Phase.ES, 0, None)
    assert (read.label == 2).all()
    assert (read.geometry.shape, read.geometry.spacing) == (GRID.shape, GRID.spacing)


def test_of_all_seeds_together_lie_in_a_folder_of_their_own_and_go_when_seeds_predict_alone(folder):
    dataset = PredictionsDataset(str(folder))
    dataset.save([prediction(seed=None), prediction(seed=None, fold=2)])
    assert names(folder) == [
        "ensemble",
        "ensemble-fold-2",
        "ensemble-fold-2/predictions",
        "ensemble-fold-2/predictions/sub-0001_ED.nii.gz",
        "ensemble/predictions",
        "ensemble/predictions/sub-0001_ED.nii.gz",
        "predictions.json",
    ]
    assert list(dataset.load()) == [
        PredictionKey(None, None, "sub-0001", Phase.ED),
        PredictionKey(None, 2, "sub-0001", Phase.ED),
    ]

    dataset.save([prediction()])

    assert [name for name in names(folder) if "ensemble" in name] == []


def test_may_be_all_background(dataset):
    assert not dataset.load()[PredictionKey(0, 1, "sub-0002", Phase.ED)].label.any()


def test_are_read_when_they_are_asked_for(dataset, folder):
    predictions = dataset.load()
    (folder / "seed-0/predictions/sub-0001_ED.nii.gz").write_bytes(b"")

    assert len(predictions) == 3
    with pytest.raises(
        OutputError, match=r"prediction of sub-0001 ED: .*truncated.*; delete predictions\.json and run"
    ):
        predictions[PredictionKey(0, None, "sub-0001", Phase.ED)]


def test_know_no_other_scan(dataset):
    with pytest.raises(KeyError):
        dataset.load()[PredictionKey(9, None, "sub-0001", Phase.ED)]


def test_of_models_that_are_no_more_go_and_what_others_wrote_stays(dataset, folder):
    (folder / "scores.parquet").write_bytes(b"scores")

    dataset.save([prediction()])

    assert names(folder) == [
        "predictions.json",
        "scores.parquet",
        "seed-0",
        "seed-0/predictions",
        "seed-0/predictions/sub-0001_ED.nii.gz",
    ]


def test_stay_as_they_were_where_predicting_fails(dataset, folder):
    before = {path: path.read_bytes() for path in dataset.files()}

    def fails_half_way():
        yield prediction(value=3)
        raise MemoryError

    with pytest.raises(DatasetError):
        dataset.save(fails_half_way())

    assert {path: path.read_bytes() for path in dataset.files()} == before
    assert names(folder)[0] == "predictions.json"


def test_are_unfinished_without_the_manifest(dataset, folder):
    (folder / "predictions.json").write_text("{")

    assert not PredictionsDataset(str(folder.parent / "stratified")).exists()
    with pytest.raises(DatasetError, match=r"predictions\.json: missing or damaged"):
        dataset.load()
