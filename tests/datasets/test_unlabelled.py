"""The folder of unlabelled scans in the catalog: listed quickly, named by study keys, file names nowhere else."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import traceback

import numpy as np
import pytest
from kedro.io import DatasetError

from faircmr.core import InvalidCohortError, InvalidScanError, OutputError
from faircmr.datasets import UnlabelledDataset
from faircmr.sources import LONG_AXIS, MASK, NO_NIFTI
from tests.sources.volumes import ramp, save

HEAVY = ("nibabel", "torch", "monai", "pandera", "scipy", "matplotlib")


@pytest.fixture
def root(tmp_path):
    for name in ("7234567.nii.gz", "7234568_ED.nii.gz", "7234568_ES.nii.gz"):
        save(tmp_path / "scans" / name, ramp())
    return tmp_path / "scans"


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "data" / "01_raw" / "predict_key.csv"


@pytest.fixture
def scans(root, key_file):
    return UnlabelledDataset(filepath=str(root), path=str(key_file))


def cause_of(call):
    with pytest.raises(DatasetError) as error:
        call()
    return error.value.__cause__


def test_subjects_are_named_by_study_keys(scans, root):
    loaded = scans.load()

    assert list(loaded.fingerprints) == ["new-0001", "new-0002"]
    assert [len(list(loaded.frames(subject_id))) for subject_id in loaded.fingerprints] == [1, 2]
    assert "7234567" not in repr(loaded)


def test_the_key_file_is_for_its_owner_alone(scans, key_file):
    scans.load()

    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.read_text().splitlines() == [
        "subject_id,source_id,path",
        "new-0001,7234567,7234567.nii.gz",
        "new-0002,7234568,7234568_ED.nii.gz",
    ]


OLD_KEYS = "subject_id,source_id,path\nsub-0001,7234567,7234567.nii.gz\nsub-0002,7234568_la,7234568_la.nii.gz\n"
"""As of a study that began when unlabelled subjects were called sub-0001 too, and every file was a subject."""


def test_keys_of_a_study_that_began_earlier_never_change(scans, root, key_file):
    key_file.parent.mkdir(parents=True)
    key_file.write_text(OLD_KEYS)
    save(root / "7234568_la.nii.gz", ramp())

    loaded = scans.load()

    assert list(loaded.fingerprints) == ["sub-0001", "new-0003"]
    assert [one.key for one in loaded.left_out] == ["file-0001"]
    assert key_file.read_text().splitlines() == [
        *OLD_KEYS.splitlines(),
        "new-0003,7234568,7234568_ED.nii.gz",
        "file-0001,,7234568_la.nii.gz",
    ]
    assert scans.load() is not loaded
    assert [*scans.load().fingerprints] == [*loaded.fingerprints]


def test_files_that_are_left_out_have_keys_that_stay_and_reasons_without_names(scans, root, key_file):
    for name in ("7234567_la.nii.gz", "7234567_gt.nii.gz", "7234567.dcm"):
        save(root / f"{name}.nii", ramp()).rename(root / name)

    first = scans.load()
    save(root / "7000000_aorta.nii", ramp())
    second = scans.load()

    assert [(one.key, one.reason) for one in first.left_out] == [
        ("file-0001", MASK),
        ("file-0002", LONG_AXIS),
        (None, NO_NIFTI),
    ]
    assert [one.key for one in second.left_out] == ["file-0003", "file-0001", "file-0002", None]
    assert (first.files, second.files) == (5, 6)
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert "723" not in "".join(one.reason for one in first.left_out)


@pytest.mark.parametrize(
    "change",
    [
        lambda root: save(root / "7234567_la.nii.gz", ramp()),
        lambda root: (root / "Info.cfg").touch(),
        lambda root: (root / "7234568_gt.nii").rename(root / "7234568_la.nii"),
    ],
    ids=["a file", "a file of another format", "another reason"],
)
def test_the_fingerprint_changes_with_what_is_left_out_and_no_subjects(scans, root, change):
    save(root / "7234568_gt.nii", ramp())
    before, whole = scans.load().fingerprints, scans.fingerprint()

    change(root)

    assert scans.fingerprint() != whole
    assert scans.load().fingerprints == before


def test_a_left_out_file_whose_name_is_no_text_is_counted_without_a_key(scans, root, key_file):
    save(root / "good.nii", ramp()).rename(root / "a\nb_gt.nii")

    (one,) = scans.load().left_out

    assert (one.key, one.count) == (None, 1)
    assert "control characters" in one.reason
    assert "file-" not in key_file.read_text()


def test_subjects_that_are_called_like_files_are_refused(root, key_file):
    save(root / "file-0001.nii.gz", ramp())
    save(root / "7234567_gt.nii.gz", ramp())
    public = UnlabelledDataset(filepath=str(root), path=str(key_file), names="source_ids")

    assert "set unlabelled.names to numbered" in str(cause_of(public.load))
    assert not key_file.exists()


@pytest.mark.parametrize("names", ["numbered", "source_ids"])
def test_files_have_the_same_keys_however_subjects_are_named(root, key_file, names):
    save(root / "7234567_gt.nii.gz", ramp())
    scans = UnlabelledDataset(filepath=str(root), path=str(key_file), names=names)

    assert [one.key for one in scans.load().left_out] == ["file-0001"]
    assert [one.key for one in scans.load().left_out] == ["file-0001"]


def test_keys_stay_when_others_join(scans, root):
    scans.load()
    save(root / "7000000.nii.gz", ramp())

    assert list(scans.load().fingerprints) == ["new-0001", "new-0002", "new-0003"]


def test_public_data_keep_their_names_where_asked_to(root, key_file):
    public = UnlabelledDataset(filepath=str(root), path=str(key_file), names="source_ids")

    assert list(public.load().fingerprints) == ["7234567", "7234568"]


def test_names_are_not_kept_once_keys_were_given(scans, root, key_file):
    scans.load()
    public = UnlabelledDataset(filepath=str(root), path=str(key_file), names="source_ids")

    assert "unlabelled.names: not as this study has begun" in str(cause_of(public.load))


@pytest.mark.parametrize("change", ["touch", "add", "remove", "rename"])
def test_the_fingerprint_changes_with_files_and_only_that_subjects(scans, root, change):
    before, whole = scans.load().fingerprints, scans.fingerprint()
    assert scans.fingerprint() == whole

    image = root / "7234567.nii.gz"
    if change == "touch":
        os.utime(image, ns=(1, 1))
    elif change == "add":
        save(root / "2000000.nii.gz", ramp())
    elif change == "remove":
        image.unlink()
    else:
        image.rename(root / "7234569.nii.gz")

    assert scans.fingerprint() != whole
    assert scans.load().fingerprints["new-0002"] == before["new-0002"]


def test_other_limits_of_the_spacing_read_everybody_anew(scans, root, key_file):
    narrow = UnlabelledDataset(filepath=str(root), path=str(key_file), reading={"spacing_between_slices": (5.0, 9.0)})

    before, after = scans.load().fingerprints, narrow.load().fingerprints

    assert narrow.fingerprint() != scans.fingerprint()
    assert all(after[key] != fingerprint for key, fingerprint in before.items())


def test_a_frame_0_counts_everybodys_frames_anew(scans, root):
    save(root / "7234569_frame01.nii.gz", ramp())
    before, whole = scans.load().fingerprints, scans.fingerprint()

    save(root / "2000000_frame00.nii.gz", ramp())

    after = scans.load().fingerprints
    assert scans.fingerprint() != whole
    assert all(after[key] != fingerprint for key, fingerprint in before.items())


def test_an_unreadable_scan_is_named_by_its_key_and_where_to_look_it_up(scans, root):
    (root / "7234567.nii.gz").write_bytes(b"")

    with pytest.raises(InvalidScanError, match=r"new-0001: .*damaged; .*predict_key\.csv") as error:
        list(scans.load().frames("new-0001"))
    assert "7234567" not in "".join(traceback.format_exception(error.value, limit=0))


def test_there_is_no_other_subject(scans):
    with pytest.raises(InvalidCohortError, match="no such scan"):
        next(scans.load().frames("new-0009"))


def test_a_damaged_key_file_is_never_replaced(scans, key_file):
    key_file.parent.mkdir(parents=True)
    key_file.write_text("a,b,c\n")

    assert isinstance(cause_of(scans.load), OutputError)
    assert key_file.read_text() == "a,b,c\n"


def test_a_missing_folder_writes_no_keys(tmp_path, key_file):
    scans = UnlabelledDataset(filepath=str(tmp_path / "7234567"), path=str(key_file))

    assert "predict_root: no scans found there" in str(cause_of(scans.load))
    assert not scans.exists()
    assert not key_file.exists()


def test_scans_are_read_only(scans):
    with pytest.raises(DatasetError, match="read only"):
        scans.save("anything")


def test_nothing_says_where_the_scans_lie(scans, root):
    assert str(root) not in str(scans)


def test_listing_opens_no_image(root, key_file, project_root):
    script = f"""
import sys
from faircmr.datasets import UnlabelledDataset
scans = UnlabelledDataset({str(root)!r}, {str(key_file)!r})
scans.load(), scans.fingerprint()
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    environment = {**os.environ, "PYTHONPATH": str(project_root / "src")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)

    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stderr


def test_frames_keep_their_intensities(scans):
    (frame,) = scans.load().frames("new-0001")

    np.testing.assert_array_equal(frame.scan.image, ramp().T)
