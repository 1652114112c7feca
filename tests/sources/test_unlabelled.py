"""Which files of a folder are scans, and which of them belong together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError, InvalidScanError
from faircmr.core.scans import Phase
from faircmr.sources import first_number, list_unlabelled, read_frames
from faircmr.sources.unlabelled import FRAME, FURTHER_CHANNEL, LONG_AXIS, MASK, NO_NIFTI, SCOUT, SEQUENCE, VESSELS
from tests.sources.volumes import ramp, save


def listed(root, *names):
    """Subjects of a folder that holds empty files of these names, with the names of their files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    found = list_unlabelled(root).subjects
    return {source_id: [file.path.relative_to(root).as_posix() for file in files] for source_id, files in found.items()}


def left_out(root):
    """Reasons of files that are left out, by path below the root."""
    return {path.relative_to(root).as_posix(): reason for path, reason in list_unlabelled(root).left_out.items()}


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
    assert [file.phase for file in list_unlabelled(tmp_path).subjects["a"]] == [Phase.ED, Phase.ES]
    assert [file.number for file in list_unlabelled(tmp_path).subjects["b"]] == [1, 12]


def test_folders_belong_to_the_name(tmp_path):
    assert listed(
        tmp_path,
        "p1/p1_frame01.nii.gz",
        "p1/p1_frame02.nii.gz",
        "p2/sa.nii.gz",
        "p3/ED.nii",
        "p4/p4.nii",
        "database/training/patient001/patient001_4d.nii.gz",
        "sub-01/ses-1/anat/sa.nii.gz",
        "sub-01/ses-2/anat/sa.nii.gz",
    ) == {
        "database_training_patient001": ["database/training/patient001/patient001_4d.nii.gz"],
        "sub-01_ses-1_anat_sa": ["sub-01/ses-1/anat/sa.nii.gz"],
        "sub-01_ses-2_anat_sa": ["sub-01/ses-2/anat/sa.nii.gz"],
        "p1": ["p1/p1_frame01.nii.gz", "p1/p1_frame02.nii.gz"],
        "p2_sa": ["p2/sa.nii.gz"],
        "p3": ["p3/ED.nii"],
        "p4": ["p4/p4.nii"],
    }


LABELS = [
    "a_gt.nii.gz",
    "a_seg.nii.gz",
    "a_frame01_gt.nii.gz",
    "label_sa_ED.nii.gz",
    "a_ED_GT.nii",
    "labelsTr/a.nii.gz",
]


def test_hidden_files_are_passed_over_and_everything_else_is_listed_or_counted(tmp_path):
    others = [".a.nii.gz", "._a.nii", "__MACOSX/a.nii", ".cache/a.nii", "a.nii.gz.part", "Info.cfg", "p1/IM0001.dcm"]

    assert listed(tmp_path, "a.nii.gz", *LABELS, *others) == {"a": ["a.nii.gz"]}
    assert left_out(tmp_path) == dict.fromkeys(sorted(LABELS), MASK)
    (others,) = list_unlabelled(tmp_path).omissions
    assert (others.what, others.count, others.reason) == ("files", 3, NO_NIFTI)
    assert list_unlabelled(tmp_path).files == 1 + len(LABELS)


def test_links_are_followed_and_a_broken_one_costs_one_scan(tmp_path):
    save(tmp_path / "elsewhere" / "7000001" / "sa.nii.gz", ramp())
    root = tmp_path / "root"
    root.mkdir()
    (root / "p1").symlink_to(tmp_path / "elsewhere" / "7000001")
    (root / "p2_sa.nii.gz").symlink_to(tmp_path / "elsewhere" / "7000001" / "sa.nii.gz")
    (root / "p3_sa.nii.gz").symlink_to(tmp_path / "gone.nii.gz")
    (root / "loop").symlink_to(root)
    (root / "notes").symlink_to(tmp_path / "gone.txt")

    assert listed(root) == {"p1_sa": ["p1/sa.nii.gz"], "p2_sa": ["p2_sa.nii.gz"], "p3_sa": ["p3_sa.nii.gz"]}
    assert [one.count for one in list_unlabelled(root).omissions] == [1, 1]
    with pytest.raises(InvalidScanError, match="missing"):
        list(read_frames(list_unlabelled(root).subjects["p3_sa"], 1))


def test_further_channels_are_left_out_and_the_first_is_taken(tmp_path):
    names = ["p_0000.nii.gz", "p_0001.nii.gz", "q_0000.nii.gz", "q_0001.NII", "1001.nii", "1002.nii"]

    assert list(listed(tmp_path, *names)) == ["1001", "1002", "p", "q"]
    assert left_out(tmp_path) == {"p_0001.nii.gz": FURTHER_CHANNEL, "q_0001.NII": FURTHER_CHANNEL}


def test_ids_of_four_digits_are_no_channels(tmp_path):
    names = [f"{number:04d}_{phase}.nii.gz" for number in (1, 2) for phase in ("ED", "ES")]

    assert list(listed(tmp_path, *names, "p_0001.nii", "p_0002.nii")) == ["0001", "0002", "p_0001", "p_0002"]


@pytest.mark.parametrize("name", ["segovia.nii.gz", "labelle.nii.gz", "a_gtx.nii.gz", "red.nii.gz", "miles.nii.gz"])
def test_a_name_that_only_begins_or_ends_like_one_is_a_scan(tmp_path, name):
    assert list(listed(tmp_path, name).values()) == [[name]]


def test_frames_next_to_the_cine_that_they_are_of_are_left_out_and_listed(tmp_path):
    names = ["a/a_4d.nii.gz", "a/a_frame01.nii.gz", "a/a_frame12.nii.gz", "b_ED.nii.gz"]

    assert listed(tmp_path, *names) == {"a": ["a/a_4d.nii.gz"], "b": ["b_ED.nii.gz"]}
    assert left_out(tmp_path) == {"a/a_frame01.nii.gz": FRAME, "a/a_frame12.nii.gz": FRAME}
    assert list_unlabelled(tmp_path).files == 4


@pytest.mark.parametrize(
    "names", [("a.nii", "a.nii.gz"), ("a.nii", "a_4d.nii"), ("a_ED.nii", "a/a_ED.nii"), ("a_b.nii", "a/b.nii")]
)
def test_the_same_scan_twice_is_refused_without_a_name(tmp_path, names):
    with pytest.raises(InvalidCohortError, match="predict_root: 1 scans are there twice") as error:
        listed(tmp_path, *names)
    assert "a_" not in str(error.value)


@pytest.mark.parametrize("names", [(), ("readme.txt",), (".a.nii.gz", "__MACOSX/b.nii")])
def test_a_folder_without_scans_is_refused_with_what_to_do(tmp_path, names):
    with pytest.raises(InvalidCohortError, match=r"no scans found there; \*\.nii or .*; set predict_root"):
        listed(tmp_path, *names)


def test_a_folder_without_short_axis_scans_is_refused_and_says_what_is_there(tmp_path):
    with pytest.raises(InvalidCohortError) as error:
        listed(tmp_path, "7234567/la_2ch.nii.gz", "7234567/la_4ch.nii.gz", "7234567_gt.nii.gz")

    assert error.value.value == "none of 3 files there is a short-axis image"
    assert error.value.permitted == f"2: {LONG_AXIS}; 1: {MASK}"
    assert "7234567" not in str(error.value)


def test_a_folder_that_is_not_there_is_refused_and_not_named(tmp_path):
    with pytest.raises(InvalidCohortError, match="no scans found there") as error:
        list_unlabelled(tmp_path / "7234567")
    assert "7234567" not in str(error.value)


@pytest.mark.parametrize(
    ("names", "first"), [(("a_frame01.nii", "b_frame12.nii"), 1), (("a_frame0.nii",), 0), (("a.nii",), 1)]
)
def test_frames_count_from_one_unless_one_is_numbered_zero(tmp_path, names, first):
    listed(tmp_path, *names)

    assert first_number(list_unlabelled(tmp_path).subjects.values()) == first


def test_frames_say_where_in_the_cycle_they_are_and_which_phase_their_name_states(tmp_path):
    for name in ("a_frame01", "a_frame05", "b_ED", "b_ES", "c"):
        save(tmp_path / f"{name}.nii.gz", ramp())
    save(tmp_path / "d.nii.gz", np.stack([ramp()] * 2, axis=-1))

    found = list_unlabelled(tmp_path).subjects
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
        list(read_frames(list_unlabelled(tmp_path).subjects["a"], 1))


FORMS = {
    "volume.nii.gz": ((24, 20, 6), ".nii.gz"),
    "volume.nii": ((24, 20, 6), ".nii"),
    "volume.NII.GZ": ((24, 20, 6), ".NII.GZ"),
    "volume.Nii": ((24, 20, 6), ".Nii"),
    "cine.nii.gz": ((24, 20, 6, 3), ".nii.gz"),
    "cine.NII": ((24, 20, 6, 3), ".NII"),
    "one frame.nii.gz": ((24, 20, 6, 1), ".nii.gz"),
    "one slice.nii.gz": ((24, 20, 1), ".nii.gz"),
    "cine of one slice.nii.gz": ((24, 20, 1, 3), ".nii.gz"),
}
PLACES = {
    "in the folder": "{id}_{name}",
    "in a folder of the id": "{id}/{name}",
    "in a folder, with the id": "{id}/{id}_{name}",
    "in a folder of the name": "{name}/{id}",
    "deeper": "visit 1/{id}/{name}/image",
}
NAMES = {
    "sa": "",
    "SAX_b1": "",
    "short axis": "",
    "la_2ch": LONG_AXIS,
    "LAX": LONG_AXIS,
    "aorta": VESSELS,
    "flow_250_tp": VESSELS,
    "T1map": SEQUENCE,
    "tagging_SAX": SEQUENCE,
    "scout": SCOUT,
    "sa_gt": MASK,
    "Pred": MASK,
    "image": None,
}
"""Why a file of this name is left out; ``None`` where slices and spacing decide."""


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("name", NAMES)
def test_what_is_taken_depends_on_the_name_and_without_a_view_on_the_slices(tmp_path, name, place):
    forms = {
        write(tmp_path / (place.format(id=str(7234560 + number), name=name)), *form): form[0]
        for number, form in enumerate(FORMS.values())
    }
    save(tmp_path / "other_sa.nii.gz", ramp())

    found = list_unlabelled(tmp_path)

    others = [files for source_id, files in found.subjects.items() if source_id != "other_sa"]
    if NAMES[name]:
        assert (others, found.left_out) == ([], dict.fromkeys(sorted(forms), NAMES[name]))
        return
    assert ({file.path for (file,) in others}, found.left_out) == (set(forms), {})
    for (file,) in others:
        shape = forms[file.path]
        if shape[2] == 1 and NAMES[name] is None:
            with pytest.raises(InvalidScanError, match="the image has 1 slice, and no name says that it is short axis"):
                list(read_frames([file], 1))
        else:
            assert len(list(read_frames([file], 1))) == (shape[3] if len(shape) == 4 else 1)


def write(path, shape, suffix):
    """An image of this shape, whose suffix is in this case."""
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    # nibabel knows small letters alone
    written = save(path.with_name(f"{path.name}{suffix.lower()}"), image)
    return written.rename(path.with_name(f"{path.name}{suffix}"))


@pytest.mark.parametrize("name", ["a.nii.gz", "a_sa.nii.gz", "a_ED.nii.gz"])
def test_a_mask_is_told_by_its_voxels_whatever_it_is_called(tmp_path, name):
    save(tmp_path / name, np.resize(np.array([0, 1, 2, 3], np.uint8), (24, 20, 6)))
    (files,) = list_unlabelled(tmp_path).subjects.values()

    with pytest.raises(InvalidScanError, match=r"as a mask has.*move masks and predictions out"):
        list(read_frames(files, 1))


@given(st.lists(st.text("abEDSframe_0.-", min_size=1, max_size=12), min_size=1, max_size=6, unique=True))
def test_every_image_is_a_subjects_or_left_out_or_the_folder_is_refused(tmp_path_factory, names):
    root = tmp_path_factory.mktemp("scans")
    try:
        found = listed(root, *(f"{name}.nii" for name in names))
    except InvalidCohortError:
        return
    files = [file for each in found.values() for file in each]
    assert len(files) == len(set(files))
    assert all(found)
    stems = [name for name in names if not name.startswith(".")]
    assert sorted([*files, *left_out(root)]) == sorted(f"{name}.nii" for name in stems)
