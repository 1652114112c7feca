"""A tensors folder changes as one, and only where a subject did."""

import weakref
from collections.abc import Mapping

import numpy as np
import pytest
from kedro.io import DatasetError

from faircmr.core import InvalidParameterError, InvalidScanError, OutputError
from faircmr.datasets import TensorsDataset
from faircmr.segmentation.data import SubjectTensors


class Untouchable(Mapping):
    """Arrays that nobody may look at."""

    def __getitem__(self, name):
        raise AssertionError("looked at")

    __iter__ = __len__ = __getitem__


def subject(subject_id, fingerprint="a", value=1.0):
    image = np.full((2, 3, 4), value, np.float16)
    return SubjectTensors(subject_id, fingerprint, {"ED.image": image, "ED.label": np.ones((2, 3, 4), np.uint8)})


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "tensors"


@pytest.fixture
def dataset(folder):
    dataset = TensorsDataset(str(folder))
    dataset.save(iter([subject("sub-0001"), subject("sub-0002")]))
    return dataset


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_comes_back_one_subject_at_a_time(dataset):
    store = dataset.load()

    assert dict(store.fingerprints) == {"sub-0001": "a", "sub-0002": "a"}
    np.testing.assert_array_equal(store.subject("sub-0002").arrays["ED.image"], subject("x").arrays["ED.image"])


def test_stores_arrays_that_are_views_as_what_they_show(folder):
    turned = np.arange(24, dtype=np.float16).reshape(2, 3, 4).transpose(0, 2, 1)

    TensorsDataset(str(folder)).save([SubjectTensors("sub-0001", "a", {"ED.image": turned})])

    np.testing.assert_array_equal(TensorsDataset(str(folder)).load().subject("sub-0001").arrays["ED.image"], turned)


def test_lists_the_manifest_and_every_part(dataset, folder):
    assert sorted(dataset.files()) == sorted(folder.iterdir())
    assert dataset.exists()


def test_does_not_look_at_a_subject_that_has_not_changed(dataset, folder):
    dataset.save([SubjectTensors("sub-0001", "a", Untouchable()), subject("sub-0002", "b", value=2.0)])

    assert dataset.load().fingerprints["sub-0002"] == "b"
    assert dataset.load().subject("sub-0002").arrays["ED.image"].max() == 2.0


@pytest.mark.parametrize("damage", [lambda part: part.unlink(), lambda part: part.write_bytes(part.read_bytes()[:-1])])
def test_mends_a_part_that_is_missing_or_truncated(dataset, folder, damage):
    before = contents(folder)
    damage(folder / "sub-0002.safetensors")

    dataset.save([SubjectTensors("sub-0001", "a", Untouchable()), subject("sub-0002")])

    assert contents(folder) == before


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_writes_the_same_for_any_number_of_workers(folder, dataset, workers):
    subjects = [subject(f"sub-{number:04d}", f"{number}", value=number) for number in range(1, 14)]
    TensorsDataset(str(folder), workers=1).save(subjects)
    elsewhere = folder.with_name("elsewhere")

    TensorsDataset(str(elsewhere), workers=workers).save(iter(subjects))

    assert contents(elsewhere) == contents(folder)
    assert list(TensorsDataset(str(elsewhere)).load().fingerprints) == [one.subject_id for one in subjects]


def test_holds_no_more_subjects_in_memory_than_there_are_workers(folder):
    made, alive = [], []

    class Made(Mapping):
        def __getitem__(self, name):
            return np.zeros((2, 3, 4), np.float16)

        def __iter__(self):
            return iter(["ED.image"])

        def __len__(self):
            return 1

    def subjects():
        for number in range(1, 30):
            arrays = Made()
            made.append(weakref.ref(arrays))
            alive.append(sum(one() is not None for one in made))
            yield SubjectTensors(f"sub-{number:04d}", "a", arrays)
            del arrays

    TensorsDataset(str(folder), workers=3).save(subjects())

    assert max(alive) <= 3 + 2, "those under way, one that waits, one that is being made"


def test_refuses_what_is_no_number_of_workers(folder):
    with pytest.raises(InvalidParameterError, match="workers: 0; a whole number of 1 or more"):
        TensorsDataset(str(folder), workers=0)


def test_removes_the_part_of_a_subject_that_has_left(dataset, folder):
    dataset.save([subject("sub-0001")])

    assert sorted(contents(folder)) == ["manifest.json", "sub-0001.safetensors"]


def test_writes_everything_anew_without_a_manifest(dataset, folder):
    before = contents(folder)
    (folder / "manifest.json").unlink()
    assert not dataset.exists()

    dataset.save([subject("sub-0001"), subject("sub-0002")])

    assert contents(folder) == before


def test_stays_as_it_was_where_a_subject_cannot_be_preprocessed(dataset, folder):
    before = contents(folder)

    def fails_half_way():
        yield subject("sub-0001", "b", value=2.0)
        raise InvalidScanError("sub-0002 ED", "truncated", "a whole file")

    with pytest.raises(DatasetError) as error:
        dataset.save(fails_half_way())

    assert isinstance(error.value.__cause__, InvalidScanError)
    assert contents(folder) == before
    assert dataset.exists()


def test_does_not_exist_where_a_part_is_missing(dataset, folder):
    (folder / "sub-0001.safetensors").unlink()

    assert not dataset.exists()


def test_says_which_folder_cannot_be_written(tmp_path):
    (tmp_path / "tensors").write_text("a file")

    with pytest.raises(DatasetError, match="a folder that can be written") as error:
        TensorsDataset(str(tmp_path / "tensors")).save([subject("sub-0001")])
    assert isinstance(error.value.__cause__, OutputError)
