"""Predictions of unlabelled scans: written subject by subject, kept where nothing changed, read one at a time."""

from __future__ import annotations

import numpy as np
import pytest
from kedro.io import DatasetError

from faircmr.core import OutputError
from faircmr.core.scans import (
    FrameLabel,
    FrameVolumes,
    Geometry,
    PendingSubject,
    Phase,
    SavedFrame,
    SegmentedSubject,
    SubjectRecord,
)
from faircmr.datasets import CinePredictionsDataset

GRID = Geometry((2, 3, 4), (10.0, 1.25, 1.5))


class Folder:
    """Pending subjects that count how often they are segmented."""

    def __init__(self):
        self.segmented = []

    def subject(self, subject_id, *names, fingerprint="x", problem="", value=1):
        def segment():
            self.segmented.append(subject_id)
            frames = tuple(frame(name) for name in names)
            record = SubjectRecord(
                subject_id=subject_id, frames=frames, saved=tuple(range(len(names))), problem=problem
            )
            return SegmentedSubject(record, tuple(label(value) for _ in names))

        return PendingSubject(subject_id, fingerprint, segment)


def frame(name):
    index = int(name[5:]) if name.startswith("frame") else None
    phase = Phase(name) if name in set(Phase) else None
    return FrameVolumes(frame=index, phase=phase, lvbp_ml=1.0, lvm_ml=2.0, rvbp_ml=3.0)


def label(value):
    return FrameLabel(np.full(GRID.shape, value, np.uint8), GRID)


@pytest.fixture
def folder():
    return Folder()


@pytest.fixture
def dataset(tmp_path):
    return CinePredictionsDataset(str(tmp_path / "predict" / "baseline"))


def names(dataset):
    folder = dataset._filepath
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def save_three(dataset, folder):
    dataset.save(
        iter(
            [
                folder.subject("sub-0001", "ED", "ES", "frame07"),
                folder.subject("sub-0002", ""),
                folder.subject("sub-0003", problem="the image file is truncated"),
            ]
        )
    )


def test_lie_below_the_strategy_with_a_record_each(dataset, folder):
    save_three(dataset, folder)

    assert names(dataset) == [
        "predictions.json",
        "predictions/sub-0001.json",
        "predictions/sub-0001_ED.nii.gz",
        "predictions/sub-0001_ES.nii.gz",
        "predictions/sub-0001_frame07.nii.gz",
        "predictions/sub-0002.json",
        "predictions/sub-0002.nii.gz",
        "predictions/sub-0003.json",
    ]
    assert sorted(path.relative_to(dataset._filepath).as_posix() for path in dataset.files()) == names(dataset)
    assert dataset.exists()


def test_come_back_by_subject_and_name(dataset, folder):
    save_three(dataset, folder)

    predictions = dataset.load()

    assert list(predictions) == [
        ("sub-0001", "ED"),
        ("sub-0001", "ES"),
        ("sub-0001", "frame07"),
        ("sub-0002", ""),
    ]
    assert len(predictions) == 4
    read = predictions[SavedFrame("sub-0001", "ES")]
    assert (read.label == 1).all()
    assert read.geometry.spacing == GRID.spacing
    assert predictions.records["sub-0003"].problem == "the image file is truncated"
    assert list(predictions.records) == ["sub-0001", "sub-0002", "sub-0003"]


def test_know_no_other_frame(dataset, folder):
    save_three(dataset, folder)

    with pytest.raises(KeyError):
        dataset.load()[SavedFrame("sub-0001", "frame01")]


def test_that_have_not_changed_are_not_segmented_again_unless_they_could_not_be(dataset, folder):
    save_three(dataset, folder)
    before = {path: path.stat().st_mtime_ns for path in dataset.files()[1:]}
    folder.segmented.clear()

    dataset.save(
        iter(
            [
                folder.subject("sub-0001", "ED", "ES", "frame07"),
                folder.subject("sub-0002", ""),
                folder.subject("sub-0003", problem="the image file is truncated"),
                folder.subject("sub-0004", "ED"),
            ]
        )
    )

    assert folder.segmented == ["sub-0003", "sub-0004"]
    kept = {path: time for path, time in before.items() if "sub-0003" not in path.name}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_of_changed_scans_and_of_those_that_left_go(dataset, folder):
    save_three(dataset, folder)
    (dataset._filepath / "volumes.csv").write_text("a table")

    dataset.save([folder.subject("sub-0001", "ED", fingerprint="y", value=2)])

    assert names(dataset) == [
        "predictions.json",
        "predictions/sub-0001.json",
        "predictions/sub-0001_ED.nii.gz",
        "volumes.csv",
    ]
    assert (dataset.load()[SavedFrame("sub-0001", "ED")].label == 2).all()


@pytest.mark.parametrize("spoil", ["sub-0001_ED.nii.gz", "sub-0001.json"])
def test_that_are_damaged_are_made_anew(dataset, folder, spoil):
    save_three(dataset, folder)
    path = dataset._filepath / "predictions" / spoil
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    folder.segmented.clear()

    save_three(dataset, folder)

    assert folder.segmented == ["sub-0001", "sub-0003"]
    assert path.read_bytes() == whole


@pytest.mark.parametrize(("code", "segmented"), [("new", ["sub-0001"]), ("old", []), (None, [])])
def test_of_other_code_are_made_anew_unless_they_are_to_be_kept(dataset, folder, code, segmented):
    dataset.code = "old"
    dataset.save([folder.subject("sub-0001", "ED")])
    folder.segmented.clear()

    dataset.code = code
    dataset.save([folder.subject("sub-0001", "ED")])

    assert folder.segmented == segmented


def test_go_on_where_a_run_was_cut_off(dataset, folder):
    def cut_off():
        yield folder.subject("sub-0001", "ED")
        raise MemoryError

    with pytest.raises(DatasetError):
        dataset.save(cut_off())
    assert not dataset.exists()

    dataset.save([folder.subject("sub-0001", "ED"), folder.subject("sub-0002", "")])

    assert folder.segmented == ["sub-0001", "sub-0002"]
    assert dataset.exists()


def test_are_read_when_they_are_asked_for(dataset, folder):
    save_three(dataset, folder)
    predictions = dataset.load()
    (dataset._filepath / "predictions" / "sub-0001_ED.nii.gz").write_bytes(b"")

    with pytest.raises(OutputError, match=r"prediction of sub-0001 ED: .*truncated.*; delete predictions\.json"):
        predictions[SavedFrame("sub-0001", "ED")]


@pytest.mark.parametrize("lost", ["predictions.json", "predictions/sub-0002.json"])
def test_are_refused_where_a_record_is_gone(dataset, folder, lost):
    save_three(dataset, folder)
    (dataset._filepath / lost).unlink()

    with pytest.raises(DatasetError, match=r"predictions\.json: .*(missing|gone)"):
        dataset.load()
    assert dataset.files() == [dataset._filepath / "predictions.json"]
