"""Which files of a folder are scans, and which of them belong together."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError, InvalidScanError
from faircmr.sources.unlabelled import first_number, list_unlabelled, read_frames
from tests.sources.volumes import ramp, save


def listed(root, *names):
    """Subjects of a folder that holds empty files of these names, with the names of their files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    found = list_unlabelled(root)
    return {source_id: [file.path.relative_to(root).as_posix() for file in files] for source_id, files in found.items()}


def test_cines_and_volumes_are_named_by_their_file(tmp_path):
    assert listed(tmp_path, "b.nii.gz", "a.nii", "c_4d.nii.gz", "d_CINE.nii.gz", "e_0000.nii.gz") == {
        "a": ["a.nii"],
        "b": ["b.nii.gz"],
        "c": ["c_4d.nii.gz"],
        "d": ["d_CINE.nii.gz"],
        "e": ["e_0000.nii.gz"],
    }


def test_single_frames_are_one_subject_in_their_order(tmp_path):
    assert listed(tmp_path, "a_ES.nii.gz", "a_ED.nii.gz", "b_frame12.nii.gz", "b_frame01_0000.nii.gz") == {
        "a": ["a_ED.nii.gz", "a_ES.nii.gz"],
        "b": ["b_frame01_0000.nii.gz", "b_frame12.nii.gz"],
    }
    assert [file.phase for file in list_unlabelled(tmp_path)["a"]] == [Phase.ED, Phase.ES]
    assert [file.number for file in list_unlabelled(tmp_path)["b"]] == [1, 12]


def test_folders_one_level_below_belong_to_the_name(tmp_path):
    assert listed(
        tmp_path, "p1/p1_frame01.nii.gz", "p1/p1_frame02.nii.gz", "p2/sa.nii.gz", "p3/ED.nii", "p4/p4.nii"
    ) == {
        "p1": ["p1/p1_frame01.nii.gz", "p1/p1_frame02.nii.gz"],
        "p2_sa": ["p2/sa.nii.gz"],
        "p3": ["p3/ED.nii"],
        "p4": ["p4/p4.nii"],
    }


def test_labels_hidden_files_and_others_are_left_alone(tmp_path):
    labels = ["a_gt.nii.gz", "a_seg.nii.gz", "a_label.nii", "a_frame01_gt.nii.gz", "label_sa_ED.nii.gz", "a_ED_GT.nii"]
    others = [".a.nii.gz", "._a.nii", "a.nii.gz.part", "Info.cfg", "labelsTr/a.nii.gz", ".cache/a.nii", "x/y/z.nii.gz"]

    assert listed(tmp_path, "a.nii.gz", *labels, *others) == {"a": ["a.nii.gz"]}


@pytest.mark.parametrize("name", ["segovia.nii.gz", "labelle.nii.gz", "a_gtx.nii.gz", "red.nii.gz", "miles.nii.gz"])
def test_a_name_that_only_begins_or_ends_like_one_is_a_scan(tmp_path, name):
    assert list(listed(tmp_path, name).values()) == [[name]]


def test_frames_beside_the_cine_that_they_are_of_are_left_out_and_counted(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        found = listed(tmp_path, "a/a_4d.nii.gz", "a/a_frame01.nii.gz", "a/a_frame12.nii.gz", "b_ED.nii.gz")

    assert found == {"a": ["a/a_4d.nii.gz"], "b": ["b_ED.nii.gz"]}
    assert caplog.messages == ["2 files are single frames of subjects that have a whole cine, and are left out"]


@pytest.mark.parametrize(
    "names", [("a.nii", "a.nii.gz"), ("a.nii", "a_4d.nii"), ("a_ED.nii", "a/a_ED.nii"), ("a_b.nii", "a/b.nii")]
)
def test_the_same_scan_twice_is_refused_without_a_name(tmp_path, names):
    with pytest.raises(InvalidCohortError, match="predict_root: 1 scans stand there twice") as error:
        listed(tmp_path, *names)
    assert "a_" not in str(error.value)


@pytest.mark.parametrize("names", [(), ("a_gt.nii.gz",), ("readme.txt",), ("x/y/z.nii.gz",)])
def test_a_folder_without_scans_is_refused_with_what_to_do(tmp_path, names):
    with pytest.raises(InvalidCohortError, match=r"no scans found there; \*\.nii or .*; set predict_root"):
        listed(tmp_path, *names)


def test_a_folder_that_is_not_there_is_refused_and_not_named(tmp_path):
    with pytest.raises(InvalidCohortError, match="no scans found there") as error:
        list_unlabelled(tmp_path / "7234567")
    assert "7234567" not in str(error.value)


@pytest.mark.parametrize(
    ("names", "first"), [(("a_frame01.nii", "b_frame12.nii"), 1), (("a_frame0.nii",), 0), (("a.nii",), 1)]
)
def test_frames_count_from_one_unless_one_is_numbered_zero(tmp_path, names, first):
    listed(tmp_path, *names)

    assert first_number(list_unlabelled(tmp_path).values()) == first


def test_frames_say_where_in_the_cycle_they_are_and_which_phase_their_name_states(tmp_path):
    for name in ("a_frame01", "a_frame05", "b_ED", "b_ES", "c"):
        save(tmp_path / f"{name}.nii.gz", ramp())
    save(tmp_path / "d.nii.gz", np.stack([ramp()] * 2, axis=-1))

    found = list_unlabelled(tmp_path)
    read = {name: [(one.index, one.phase) for one in read_frames(files, 1)] for name, files in found.items()}

    assert read == {
        "a": [(0, None), (4, None)],
        "b": [(None, Phase.ED), (None, Phase.ES)],
        "c": [(None, None)],
        "d": [(0, None), (1, None)],
    }


def test_a_cine_that_is_named_as_one_frame_is_refused(tmp_path):
    save(tmp_path / "a_ED.nii.gz", np.stack([ramp()] * 2, axis=-1))

    with pytest.raises(InvalidScanError, match="several frames in a file that is named as one"):
        list(read_frames(list_unlabelled(tmp_path)["a"], 1))


@given(st.lists(st.text("abEDSframe_0.-", min_size=1, max_size=12), min_size=1, max_size=6, unique=True))
def test_every_image_is_a_subjects_or_the_folder_is_refused(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("scans")
    try:
        found = listed(root, *(f"{name}.nii" for name in names))
    except InvalidCohortError:
        return
    files = [file for each in found.values() for file in each]
    assert len(files) == len(set(files))
    assert all(found)
