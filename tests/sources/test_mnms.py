"""M&Ms as its organisers publish it: cines whose phases a table names, or frames that somebody split off."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from faircmr.core import FaircmrError, InvalidCohortError, InvalidScanError
from faircmr.core.scans import Phase, ScanFiles, Structure
from faircmr.sources import index_by_subject, read_scan
from faircmr.sources.base import NoParameters
from faircmr.sources.demographics_table import age_class
from faircmr.sources.mnms import Mnms
from tests.sources.volumes import drawn, ramp, save

# Columns as they are published; the first has no name
HEADER = ",External code,VendorName,Vendor,Centre,ED,ES,Age,Pathology,Sex,Height,Weight"
ROWS = (
    "0,A0S9V9,Siemens,A,1,0,2,16,Others,M,184.0,95.0",
    "1,A1D9Z7,Philips,B,2,3,1,58,HCM,F,160.0,50.0",
    "2,A1E9Q1,Canon,D,5,0,3,61,NOR,F,,",
)
FOLDERS = {"A0S9V9": "Training/Labeled", "A1D9Z7": "Testing", "A1E9Q1": "Training/Unlabeled"}
FRAMES = 4


def image(frame):
    return ramp() + np.int16(1000 * frame)


def label(ed, es):
    """Labelled at two frames alone."""
    frames = [drawn() if frame in {ed, es} else np.zeros_like(drawn()) for frame in range(FRAMES)]
    return np.stack(frames, axis=-1)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "211230_information.csv").write_text("\n".join((HEADER, *ROWS)) + "\n")
    for source_id, folder in FOLDERS.items():
        path = tmp_path / folder / source_id / f"{source_id}_sa.nii.gz"
        save(path, np.stack([image(frame) for frame in range(FRAMES)], axis=-1))
    save(tmp_path / "Training/Labeled/A0S9V9/A0S9V9_sa_gt.nii.gz", label(0, 2))
    save(tmp_path / "Testing/A1D9Z7/A1D9Z7_sa_gt.nii.gz", label(3, 1))
    return tmp_path


def source(root):
    mnms = Mnms(root, NoParameters())
    mnms.prepare(root / "own")
    return mnms


def refusal(root):
    with pytest.raises(FaircmrError) as error:
        source(root).scan_files()
    assert not any(source_id in str(error.value) for source_id in FOLDERS)
    assert str(root) not in str(error.value)
    return str(error.value)


def write_table(root, *rows):
    (root / "211230_information.csv").write_text("\n".join((HEADER, *rows)) + "\n")


def test_the_table_names_the_frames_and_counts_them_from_0(root):
    files = source(root).scan_files()

    assert set(files) == {(source_id, phase) for source_id in FOLDERS for phase in Phase}
    folder = root / "Testing" / "A1D9Z7"
    assert files["A1D9Z7", Phase.ED] == ScanFiles(folder / "A1D9Z7_sa.nii.gz", folder / "A1D9Z7_sa_gt.nii.gz", 3)
    assert files["A1D9Z7", Phase.ES].frame == 1
    assert files["A0S9V9", Phase.ED].frame == 0


def test_a_phase_is_read_with_its_label_and_1_is_the_left_ventricle(root):
    mnms = source(root)

    scan = read_scan(mnms.scan_files()["A1D9Z7", Phase.ED], mnms.label_values)

    np.testing.assert_array_equal(scan.image, image(3).T)
    assert scan.label[:, 0, 0].tolist() == [Structure.LVBP, Structure.LVM, Structure.RVBP, 0]


def test_a_table_that_counts_from_1_does_not_pass_unnoticed(root):
    write_table(root, ROWS[0].replace(",0,2,16", ",1,3,16"))
    mnms = source(root)

    with pytest.raises(InvalidScanError, match="all background"):
        read_scan(mnms.scan_files()["A0S9V9", Phase.ED], mnms.label_values)


def test_unlabelled_subjects_have_scans_without_a_label(root):
    assert source(root).scan_files()["A1E9Q1", Phase.ES] == ScanFiles(
        root / "Training/Unlabeled/A1E9Q1/A1E9Q1_sa.nii.gz", None, 3
    )


def test_the_parts_of_the_challenge_need_not_be_there(root, tmp_path_factory):
    flat = tmp_path_factory.mktemp("flat")
    (root / "Training/Labeled/A0S9V9").rename(flat / "A0S9V9")
    (root / "211230_information.csv").rename(flat / "any.csv")

    assert len(source(flat).scan_files()) == 2


def test_frames_that_somebody_split_off_need_no_numbers(root):
    write_table(root, *(row.replace(",0,", ",,") for row in ROWS))
    folder = root / "Validation" / "B0000"
    for phase in Phase:
        save(folder / f"B0000_sa_{phase}.nii.gz", ramp())
        save(folder / f"B0000_sa_{phase}_gt.nii.gz", drawn())
    mnms = source(root)

    files = mnms.scan_files()

    assert files["B0000", Phase.ES] == ScanFiles(folder / "B0000_sa_ES.nii.gz", folder / "B0000_sa_ES_gt.nii.gz", None)
    assert read_scan(files["B0000", Phase.ED], mnms.label_values).label is not None
    assert "B0000" not in mnms.rejected()


def test_cines_of_which_no_frames_are_known_are_rejected_with_a_reason(root):
    write_table(root, ROWS[0], ROWS[1].replace(",3,1,", ",3,1.5,"))
    mnms = source(root)

    assert {source_id for source_id, _ in mnms.scan_files()} == {"A0S9V9"}
    rejected = mnms.rejected()
    assert rejected.keys() == {"A1D9Z7", "A1E9Q1"}
    assert {one.reason for one in rejected.values()} == {"a cine without a frame of ED and of ES in the CSV of M&Ms"}


def test_attributes_are_in_the_words_of_every_other_cohort(root):
    attributes = source(root).attributes()

    assert attributes.index.name == "source_id"
    assert attributes.loc["A0S9V9"].to_dict() == {
        "sex": "male",
        "age": 16.0,
        "age_class": "under 40",
        "vendor": "Siemens",
        "centre": "1",
        "pathology": "Others",
        "height": 184.0,
        "weight": 95.0,
        "bmi_class": "overweight",  # 95 / 1.84^2 = 28.1
    }
    assert attributes.loc["A1D9Z7", ["sex", "age_class"]].tolist() == ["female", "40 to 59"]
    assert attributes.loc["A1E9Q1", ["height", "weight", "bmi_class"]].isna().all()


def test_a_sex_that_is_not_stated_is_missing(root):
    write_table(root, ROWS[0].replace(",M,", ",?,"), ROWS[1].replace(",F,", ",,"))

    assert source(root).attributes()["sex"].isna().all()


def test_classes_of_age_begin_at_their_limits():
    assert age_class(pd.Series([0, 39.9, 40, 59, 60, 101, None])).tolist()[:6] == [
        *["under 40"] * 2,
        *["40 to 59"] * 2,
        *["60 and over"] * 2,
    ]
    assert age_class(pd.Series([float("nan")])).isna().all()


def test_refuses_an_empty_folder_and_one_that_is_not_there(tmp_path):
    assert refusal(tmp_path).startswith("source_root: no scans found there; files <id>_sa.nii.gz")
    assert refusal(tmp_path / "elsewhere").startswith("source_root: no scans found there")


def test_refuses_scans_without_the_table_and_with_two(root):
    (root / "another.csv").write_text("a\n1\n")
    assert refusal(root).startswith("source_root: 2 CSV files; the one with the information of M&Ms")

    for table in root.glob("*.csv"):
        table.unlink()
    assert refusal(root).startswith("source_root: 0 CSV files")


def test_refuses_the_same_subject_twice(root):
    save(root / "Validation/A0S9V9/A0S9V9_sa.nii.gz", ramp())

    assert refusal(root) == "subject ids: 1 duplicated; each subject once; remove the duplicates from source_root"


def test_refuses_a_table_that_lists_somebody_twice_or_has_no_ids(root):
    write_table(root, ROWS[0], ROWS[0], ROWS[1].replace("A1D9Z7", ""))
    assert refusal(root) == "the CSV of M&Ms: 1 rows have no id and 1 repeat one; each subject once; correct the table"

    (root / "211230_information.csv").write_text("code,ED\nA0S9V9,0\n")
    assert refusal(root).startswith("the CSV of M&Ms: no column 'External code'")


def test_refuses_a_table_that_is_not_utf8(root):
    (root / "211230_information.csv").write_bytes("\n".join((HEADER, ROWS[0])).replace("Others", "é").encode("latin-1"))

    assert refusal(root) == "the CSV of M&Ms: not UTF-8; CSV in UTF-8; save it again as UTF-8"


def test_ids_are_taken_as_text_and_cut_of_spaces():
    table = index_by_subject(pd.DataFrame({"id": ["007 ", "7"], "sex": ["f", "m"]}, dtype="str"), "id", "people")

    assert table.index.tolist() == ["007", "7"]
    with pytest.raises(InvalidCohortError, match="people: 0 rows have no id and 1 repeat one"):
        index_by_subject(pd.DataFrame({"id": ["7", "7 "]}, dtype="str"), "id", "people")


SECOND = "SUBJECT_CODE,DISEASE,VENDOR,SCANNER,FIELD"
"""Columns of M&Ms-2 as they are published."""


@pytest.fixture
def second(tmp_path):
    """M&Ms-2: short and long axis, frames and cines, and a table that ends in the empty rows of a spreadsheet."""
    rows = ("1,NOR,GE MEDICAL SYSTEMS,SIGNA EXCITE,1.5", "41,LV,SIEMENS,SymphonyTim,1.5", ",,,,", ",,,,")
    (tmp_path / "dataset_information.csv").write_text("\n".join((SECOND, *rows)) + "\n")
    for source_id in ("001", "041"):
        folder = tmp_path / "dataset" / source_id
        for view in ("SA", "LA"):
            for phase in Phase:
                save(folder / f"{source_id}_{view}_{phase}.nii.gz", ramp() if view == "SA" else ramp()[..., :1])
                save(folder / f"{source_id}_{view}_{phase}_gt.nii.gz", drawn() if view == "SA" else drawn()[..., :1])
            save(folder / f"{source_id}_{view}_CINE.nii.gz", np.stack([ramp()] * FRAMES, axis=-1))
    return tmp_path


def test_the_second_challenge_has_frames_of_its_own_and_no_long_axis(second):
    mnms = source(second)

    files = mnms.scan_files()

    assert set(files) == {(source_id, phase) for source_id in ("001", "041") for phase in Phase}
    folder = second / "dataset" / "041"
    assert files["041", Phase.ES] == ScanFiles(folder / "041_SA_ES.nii.gz", folder / "041_SA_ES_gt.nii.gz")
    assert read_scan(files["041", Phase.ES], mnms.label_values).label is not None
    assert (mnms.rejected(), mnms.omissions()) == ({}, [])


def test_the_second_challenge_tells_vendor_disease_scanner_and_field(second):
    attributes = source(second).attributes()

    assert attributes.index.tolist() == ["001", "041"], "codes have no zeros in the table, folders have them"
    known = attributes.loc["041", ["vendor", "pathology", "scanner", "field_strength"]].tolist()
    assert known == ["SIEMENS", "LV", "SymphonyTim", "1.5"]
    assert attributes[["sex", "age", "centre"]].isna().all(axis=None)


def test_folders_of_the_second_challenge_without_a_short_axis_are_counted(second):
    folder = second / "dataset" / "041"
    for path in folder.glob("*_SA_E*"):
        path.unlink()

    mnms = source(second)

    assert {name for name, _ in mnms.scan_files()} == {"001"}
    assert [(one.what, one.count, one.total) for one in mnms.omissions()] == [("folders with NIfTI", 1, 2)]


@pytest.mark.parametrize("number", ["1e999", "1e308", "-1", "0.5", "9" * 5000])
def test_numbers_that_no_cine_has_name_no_frame(root, number):
    write_table(root, ROWS[0], ROWS[1].replace(",3,1,", f",{number},1,"), ROWS[2])

    mnms = source(root)

    assert {source_id for source_id, _ in mnms.scan_files()} == {"A0S9V9", "A1E9Q1"}
    assert set(mnms.rejected()) == {"A1D9Z7"}
