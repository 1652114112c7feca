"""The cohort's entry in the catalog: listed quickly, named by study keys, source ids nowhere but in the key file."""

import os
import shutil
import stat
import subprocess
import sys
import traceback

import pytest
from kedro.io import DatasetError

from faircmr.core import InvalidCohortError, InvalidParameterError, OutputError
from faircmr.core.scans import Phase
from faircmr.datasets import CohortDataset
from tests.sources.volumes import write_acdc_subject

ACDC = "faircmr.sources.acdc.Acdc"
HEAVY = ("nibabel", "torch", "monai", "pandera", "scipy", "matplotlib")


@pytest.fixture
def root(tmp_path):
    for subject in ("7234567", "7234568"):
        write_acdc_subject(tmp_path / "scans" / subject)
    return tmp_path / "scans"


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "data" / "01_raw" / "key.csv"


@pytest.fixture
def cohort(root, key_file):
    return CohortDataset(source=ACDC, filepath=str(root), path=str(key_file))


def cause_of(call):
    with pytest.raises(DatasetError) as error:
        call()
    return error.value.__cause__


def test_loads_a_cohort_by_study_key(cohort):
    loaded = cohort.load()

    assert loaded.subjects["subject_id"].tolist() == ["sub-0001", "sub-0002"]
    assert loaded.read("sub-0001", Phase.ED).label is not None


def test_writes_the_key_file_for_its_owner_alone(cohort, key_file):
    cohort.load()

    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert key_file.read_text().splitlines() == [
        "subject_id,source_id,path",
        "sub-0001,7234567,7234567/7234567_frame01.nii.gz",
        "sub-0002,7234568,7234568/7234568_frame01.nii.gz",
    ]


def test_leaves_the_key_file_alone_while_nobody_joins(cohort, key_file):
    cohort.load()
    os.utime(key_file, ns=(1, 1))

    cohort.load()
    cohort.fingerprint()

    assert key_file.stat().st_mtime_ns == 1


def test_reserves_keys_of_subjects_that_have_left(cohort, root, key_file):
    cohort.load()
    shutil.rmtree(root / "7234567")
    write_acdc_subject(root / "0000001")

    assert cohort.load().subjects["subject_id"].tolist() == ["sub-0002", "sub-0003"]
    assert key_file.read_text().splitlines()[1:] == [
        "sub-0001,7234567,7234567/7234567_frame01.nii.gz",
        "sub-0002,7234568,7234568/7234568_frame01.nii.gz",
        "sub-0003,0000001,0000001/0000001_frame01.nii.gz",
    ]


def test_keeps_the_ids_of_a_public_data_set_where_asked_to(root, key_file):
    public = CohortDataset(source=ACDC, filepath=str(root), path=str(key_file), names="source_ids")

    assert public.load().subjects["subject_id"].tolist() == ["7234567", "7234568"]


@pytest.mark.parametrize("content", ["subject_id,source_id\nsub-0001,7234567\n", "a,b,c\n", ""])
def test_never_replaces_a_damaged_key_file(cohort, key_file, content):
    key_file.parent.mkdir(parents=True)
    key_file.write_text(content)

    assert isinstance(cause_of(cohort.load), OutputError)
    assert key_file.read_text() == content


def test_says_which_folder_cannot_be_written(root, tmp_path):
    (tmp_path / "data").write_text("a file")
    cohort = CohortDataset(source=ACDC, filepath=str(root), path=str(tmp_path / "data" / "01_raw" / "key.csv"))

    assert "a folder that can be written" in str(cause_of(cohort.load))


def test_names_the_nearest_parameter_and_the_source_that_is_none(root, key_file):
    misspelt = CohortDataset(
        source="faircmr.sources.acdc.Acdcc", filepath=str(root), path=str(key_file), parameters={"sed": 1}
    )
    unknown = CohortDataset(source=ACDC, filepath=str(root), path=str(key_file), parameters={"seed": 1})

    assert "cohort.source: 'faircmr.sources.acdc.Acdcc'" in str(cause_of(misspelt.load))
    assert isinstance(cause_of(unknown.load), InvalidParameterError)
    assert "cohort.parameters.seed" in str(cause_of(unknown.load))


def test_is_read_only(cohort):
    with pytest.raises(DatasetError, match="read only"):
        cohort.save("anything")


def spoil_info(root):
    (root / "7234567" / "Info.cfg").write_text("Group: DCM\n")


def replace_info_by_a_folder(root):
    (root / "7234567" / "Info.cfg").unlink()
    (root / "7234567" / "Info.cfg").mkdir()


@pytest.mark.parametrize("spoil", [spoil_info, replace_info_by_a_folder])
def test_never_shows_where_the_scans_lie_or_whose_they_are(tmp_path, key_file, spoil):
    # a folder that is named after a person
    root = tmp_path / "7654321"
    write_acdc_subject(root / "7234567")
    spoil(root)
    cohort = CohortDataset(source=ACDC, filepath=str(root), path=str(key_file))

    with pytest.raises(DatasetError) as error:
        cohort.load()

    assert isinstance(error.value.__cause__, InvalidCohortError)
    shown = str(cohort) + repr(cohort) + "".join(traceback.format_exception(error.value))
    assert "7654321" not in shown
    assert "7234567" not in shown


def rewrite_info(root):
    (root / "7234567" / "Info.cfg").write_text("ED: 1\nES: 5\nGroup: NOR\nHeight: 180.0\nWeight: 81.0\n")


CHANGES = {
    "image touched": lambda root: os.utime(root / "7234567" / "7234567_frame01.nii.gz", ns=(1, 1)),
    "label touched": lambda root: os.utime(root / "7234567" / "7234567_frame05_gt.nii.gz", ns=(1, 1)),
    "subject added": lambda root: write_acdc_subject(root / "7234569"),
    "subject removed": lambda root: shutil.rmtree(root / "7234568"),
    "attribute changed": rewrite_info,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_fingerprint_changes_with_the_data(cohort, root, change):
    before = cohort.fingerprint()
    assert cohort.fingerprint() == before

    change(root)

    assert cohort.fingerprint() != before


def test_fingerprint_is_that_of_another_study_once_keys_are_given_anew(cohort, root, key_file):
    cohort.load()
    write_acdc_subject(root / "0000001")
    before = cohort.fingerprint()

    key_file.unlink()

    assert cohort.fingerprint() != before
    assert key_file.exists()


def test_fingerprint_does_not_depend_on_where_the_scans_lie(cohort, root, tmp_path, key_file):
    elsewhere = shutil.copytree(root, tmp_path / "elsewhere")

    moved = CohortDataset(source=ACDC, filepath=str(elsewhere), path=str(key_file))

    assert moved.fingerprint() == cohort.fingerprint()


def test_fingerprint_loads_no_heavy_library(root, key_file):
    code = f"""
import sys
from faircmr.datasets import CohortDataset
CohortDataset(source={ACDC!r}, filepath={str(root)!r}, path={str(key_file)!r}).fingerprint()
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert finished.stdout.strip() == "[]"
