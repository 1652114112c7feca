"""Tensors are read slice by slice; a folder without a manifest is refused."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from faircmr.core import InvalidCohortError, OutputError
from faircmr.core.scans import Phase
from faircmr.segmentation.data import SubjectTensors, TensorStore


def test_lists_every_subject_with_its_fingerprint(tensors: Path):
    store = TensorStore(tensors)

    assert len(store) == 8
    assert store.fingerprints["sub-0003"] == "made of sub-0003"
    assert [subject.subject_id for subject in store][:2] == ["sub-0001", "sub-0002"]


def test_a_subject_knows_its_phases(tensors: Path):
    subject = TensorStore(tensors).subject("sub-0001")

    assert subject.phases == subject.labelled_phases == (Phase.ED, Phase.ES)
    assert len(subject.arrays) == 6
    assert "ED.picture" not in subject.arrays
    with pytest.raises(KeyError):
        subject.arrays["ED.picture"]


def test_one_slice_is_that_slice_of_the_whole(tensors: Path):
    subject = TensorStore(tensors).subject("sub-0002")
    in_memory = SubjectTensors("sub-0002", "", dict(subject.arrays))

    for source in (subject, in_memory):
        image, label = source.slices_of(["ED.image", "ED.label"], 1)
        np.testing.assert_array_equal(image, in_memory.arrays["ED.image"][1])
        np.testing.assert_array_equal(label, in_memory.arrays["ED.label"][1])


def test_a_phase_without_label_is_a_phase_all_the_same():
    subject = SubjectTensors("sub-0001", "", {"ES.image": np.zeros((1, 2, 2))})

    assert (subject.phases, subject.labelled_phases) == ((Phase.ES,), ())


def test_an_unknown_subject_is_named(tensors: Path):
    with pytest.raises(InvalidCohortError, match=r"sub-0099.*one of the 8 subjects"):
        TensorStore(tensors).subject("sub-0099")


@pytest.mark.parametrize("content", [None, "", '{"fingerprints": '])
def test_a_folder_without_whole_manifest_is_refused(tensors: Path, tmp_path: Path, content: str | None):
    copy = copytree(tensors, tmp_path / "tensors")
    manifest = copy / "manifest.json"
    manifest.unlink() if content is None else manifest.write_text(content)

    with pytest.raises(OutputError, match=r"tensors/manifest.json: missing or unreadable.*run data_engineering again"):
        TensorStore(copy)


def test_a_truncated_part_is_named(tensors: Path, tmp_path: Path):
    part = copytree(tensors, tmp_path / "tensors") / "sub-0001.safetensors"
    part.write_bytes(part.read_bytes()[:-100])

    with pytest.raises(OutputError, match=r"sub-0001.safetensors: missing or damaged"):
        TensorStore(part.parent).subject("sub-0001").arrays["ED.image"]
