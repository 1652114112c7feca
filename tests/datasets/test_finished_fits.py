"""Finished fits are found by their records, wherever they lie below the pattern."""

import pytest
from kedro.io import DatasetError

from faircmr.datasets import FinishedFitsDataset


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "06_models"
    for place in ("baseline/seed-0/shared", "two/seed-0-fold-1/first"):
        (folder / place).mkdir(parents=True)
        (folder / place / "job.json").write_text(f'{{"name": "{place}"}}')
        (folder / place / "weights.safetensors").touch()
    (folder / "baseline" / "seed-0" / "shared" / "fit.json").touch()
    return folder


@pytest.fixture
def dataset(models):
    return FinishedFitsDataset(f"{models}/*/*/*/fit.json")


def test_lists_the_jobs_of_fits_that_have_a_record(dataset):
    assert dataset.load() == {"baseline/seed-0/shared": '{"name": "baseline/seed-0/shared"}'}


def test_leaves_out_a_fit_whose_weights_are_gone(dataset, models):
    (models / "baseline/seed-0/shared/weights.safetensors").unlink()

    assert dataset.load() == {}


def test_its_fingerprint_changes_when_a_fit_is_finished(dataset, models):
    before = dataset.fingerprint()
    assert dataset.fingerprint() == before

    (models / "two/seed-0-fold-1/first/fit.json").touch()

    assert dataset.fingerprint() != before
    assert len(dataset.load()) == 2


def test_is_empty_where_nothing_was_trained(tmp_path):
    dataset = FinishedFitsDataset(f"{tmp_path}/06_models/*/*/*/fit.json")

    assert dataset.load() == {}
    assert not dataset.exists()


def test_cannot_be_saved(dataset):
    with pytest.raises(DatasetError):
        dataset.save({})
