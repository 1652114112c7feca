"""Where fits are made, for who only looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from kedro.io import DatasetError

from faircmr.datasets.models import WatchedFitsDataset


@pytest.fixture
def dataset(tmp_path: Path) -> WatchedFitsDataset:
    return WatchedFitsDataset(
        f"{tmp_path}/06_models", "05_model_input/localiser", "05_model_input/*/cohort.csv", "05_model_input/plans.json"
    )


def prepared(study: Path, *strategies: str) -> None:
    for file in ("plans.json", *(f"{strategy}/cohort.csv" for strategy in strategies)):
        (study / "05_model_input" / file).parent.mkdir(parents=True, exist_ok=True)
        (study / "05_model_input" / file).touch()


def test_tells_where_fits_work_and_which_strategies_have_been_asked_for(dataset: WatchedFitsDataset, tmp_path: Path):
    prepared(tmp_path, "baseline", "stratified")

    watched = dataset.load()

    assert watched.path == tmp_path / "06_models"
    assert watched.localisers == tmp_path / "05_model_input" / "localiser"
    assert watched.begun == {"baseline", "stratified"}
    assert dataset.exists()
    assert dataset.files() == []


def test_before_any_fit_is_planned_it_says_what_to_run(dataset: WatchedFitsDataset, tmp_path: Path):
    with pytest.raises(DatasetError, match=r"no fit is planned in it yet; .*; run kedro run first"):
        dataset.load()
    assert not dataset.exists()
    assert list(tmp_path.iterdir()) == []


def test_is_read_only(dataset: WatchedFitsDataset):
    with pytest.raises(DatasetError):
        dataset.save({})
