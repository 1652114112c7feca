"""ACDC as its organisers publish it, and what is said where a copy of it is incomplete."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError
from faircmr.core.scans import Phase, Structure
from faircmr.sources import read_scan
from faircmr.sources.acdc import Acdc
from faircmr.sources.base import NoParameters
from faircmr.sources.demographics_table import bmi_class
from tests.sources.volumes import write_acdc_subject


@pytest.fixture
def root(tmp_path):
    for subject in ("7234567", "7234568"):
        write_acdc_subject(tmp_path / subject)
    return tmp_path


def source(root):
    acdc = Acdc(root, NoParameters())
    acdc.prepare(root)
    return acdc


def refusal(root):
    with pytest.raises(InvalidCohortError) as error:
        source(root).scan_files()
    assert "7234567" not in str(error.value)
    assert str(root) not in str(error.value)
    return str(error.value)


def test_lists_the_frames_that_info_names(root):
    files = source(root).scan_files()

    assert list(files) == [(subject, phase) for subject in ("7234567", "7234568") for phase in Phase]
    assert files["7234567", Phase.ES].image == root / "7234567" / "7234567_frame05.nii.gz"
    assert files["7234567", Phase.ES].label == root / "7234567" / "7234567_frame05_gt.nii.gz"


def test_finds_subjects_in_training_and_testing(root, tmp_path_factory):
    published = tmp_path_factory.mktemp("published")
    shutil.copytree(root / "7234567", published / "training" / "7234567")
    shutil.copytree(root / "7234568", published / "testing" / "7234568")

    assert len(source(published).scan_files()) == 4


def test_lists_a_scan_that_is_not_there_so_that_reading_can_say_whose_it_is(root):
    (root / "7234567" / "7234567_frame01.nii.gz").unlink()

    assert ("7234567", Phase.ED) in source(root).scan_files()


def test_counts_a_scan_without_expert_contours_as_unlabelled(root):
    (root / "7234567" / "7234567_frame01_gt.nii.gz").unlink()

    assert source(root).scan_files()["7234567", Phase.ED].label is None


def test_reads_attributes_and_leaves_missing_ones_missing(root):
    (root / "7234568" / "Info.cfg").write_text("ED: 1\r\nES: 5\r\nGroup: NOR\r\nHeight: unknown\r\nWeight: 70\r\n")

    attributes = source(root).attributes()

    assert attributes.index.name == "source_id"
    assert attributes.loc["7234567"].tolist() == ["DCM", 180.0, 81.0, "overweight"]
    assert attributes.loc["7234568", "pathology"] == "NOR"
    assert attributes.loc["7234568", ["height", "bmi_class"]].isna().all()


# World Health Organization: 18.5, 25 and 30 kg/m2 begin the next class
@pytest.mark.parametrize(
    ("weight", "expected"),
    [(18.4, "underweight"), (18.5, "normal"), (24.9, "normal"), (25.0, "overweight"), (30.0, "obese"), (80.0, "obese")],
)
def test_classes_of_body_mass_index_begin_at_their_limits(weight, expected):
    assert bmi_class(pd.Series([100.0]), pd.Series([weight])).tolist() == [expected]


def test_refuses_an_empty_folder_and_one_that_is_not_there(tmp_path):
    assert refusal(tmp_path).startswith("source_root: no scans found there; folders <id>/ with Info.cfg")
    assert refusal(tmp_path / "elsewhere").startswith("source_root: no scans found there")


def test_refuses_the_same_subject_twice(root):
    shutil.copytree(root / "7234567", root / "training" / "7234567")

    assert refusal(root) == "subject ids: 1 duplicated; each subject once; remove the duplicates from source_root"


def test_refuses_scans_without_info_rather_than_forget_a_subject(root):
    (root / "7234567" / "Info.cfg").unlink()

    assert refusal(root).startswith("Info.cfg: missing in 1 of 2 folders with scans")


# Python refuses to read a number of more than 4,300 digits
@pytest.mark.parametrize("info", ["Group: DCM\n", "ED: 1\n", "ED: 1\nES: five\n", "", f"ED: 1\nES: {'9' * 5000}\n"])
def test_refuses_info_that_names_no_frame_and_says_how_to_find_it(root, info):
    (root / "7234567" / "Info.cfg").write_text(info)

    message = refusal(root)

    assert message.startswith("Info.cfg: 1 of 2 have no ED or ES frame; lines 'ED: <frame>' and 'ES: <frame>'")
    assert "grep" in message


def test_real_scans_have_every_structure_where_the_heart_has_it(acdc_root):
    acdc = source(acdc_root)
    files = acdc.scan_files()

    scan = read_scan(files["patient001", Phase.ED], acdc.label_values)

    assert len(files) == 100
    assert acdc.attributes()["pathology"].value_counts().to_dict() == dict.fromkeys(
        ["DCM", "HCM", "MINF", "NOR", "RV"], 10
    )
    assert scan.geometry.spacing == (10.0, 1.5625, 1.5625)
    # the myocardium encloses the left blood pool: in the middle slice its bounding box is the larger one
    middle = scan.label[len(scan.label) // 2]
    pool, wall = (np.argwhere(middle == structure) for structure in (Structure.LVBP, Structure.LVM))
    assert (wall.min(axis=0) < pool.min(axis=0)).all()
    assert (wall.max(axis=0) > pool.max(axis=0)).all()
    # in systole it empties: patient001 has a dilated ventricle, but an ejection fraction above 0
    systole = read_scan(files["patient001", Phase.ES], acdc.label_values)
    assert (systole.label == Structure.LVBP).sum() < (scan.label == Structure.LVBP).sum()


def test_a_pipe_in_the_place_of_info_is_not_waited_for(root):
    (root / "7234567" / "Info.cfg").unlink()
    os.mkfifo(root / "7234567" / "Info.cfg")

    assert refusal(root).startswith("Info.cfg: missing in 1 of 2 folders with scans")
