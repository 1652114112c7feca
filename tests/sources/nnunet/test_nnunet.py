"""A raw data set of nnU-Net becomes a cohort, by the names of its cases, its labels and a table of subjects."""

from __future__ import annotations

import json
import os
import re

import pandas as pd
import pytest

from faircmr.core import (
    FaircmrError,
    InvalidCohortError,
    InvalidParameterError,
    InvalidScanError,
    InvalidSplitError,
    parse_parameters,
)
from faircmr.core.scans import Phase, ScanFiles, Structure
from faircmr.sources import NoParameters, read_scan
from faircmr.sources.nnunet import NnunetParameters, NnunetRaw
from faircmr.sources.nnunet.files import study_splits
from tests.sources.volumes import drawn, ramp, save

# nnU-Net's own conversion of ACDC (Dataset027_ACDC) names labels and channel so
ACDC = {
    "channel_names": {"0": "cineMRI"},
    "labels": {"background": 0, "RV": 1, "MLV": 2, "LVC": 3},
    "numTraining": 2,
    "file_ending": ".nii.gz",
}
PATTERN = NnunetParameters().case_pattern


def describe(folder, **changes):
    (folder / "dataset.json").write_text(json.dumps({**ACDC, **changes}))


def write_case(folder, part, name, *, labelled=True):
    save(folder / f"images{part}" / f"{name}_0000.nii.gz", ramp())
    if labelled:
        save(folder / f"labels{part}" / f"{name}.nii.gz", drawn())


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "Dataset042_Heart"
    for phase in Phase:
        write_case(folder, "Tr", f"7234567_{phase}")
        write_case(folder, "Ts", f"7234568_{phase}", labelled=False)
    (folder / "demographics.csv").write_text("subject_id,sex,age\n7234567,female,61\n7234568,male,\n")
    describe(folder)
    return folder


def source(root, **parameters):
    nnunet = NnunetRaw(root, NnunetParameters(**parameters))
    nnunet.prepare(root / "own")
    return nnunet


def refusal(root, **parameters):
    with pytest.raises(FaircmrError) as error:
        source(root, **parameters).scan_files()
    assert "7234567" not in str(error.value)
    assert str(root) not in str(error.value)
    return str(error.value)


def test_lists_training_and_test_cases_by_subject_and_phase(folder):
    files = source(folder).scan_files()

    assert set(files) == {(subject, phase) for subject in ("7234567", "7234568") for phase in Phase}
    assert files["7234567", Phase.ES] == ScanFiles(
        folder / "imagesTr/7234567_ES_0000.nii.gz", folder / "labelsTr/7234567_ES.nii.gz"
    )
    assert files["7234568", Phase.ED].label is None


def test_the_folder_above_will_do_where_it_holds_one_data_set(folder):
    assert len(source(folder.parent).scan_files()) == 4

    (folder.parent / "Dataset043_Other").mkdir()
    describe(folder.parent / "Dataset043_Other")
    assert refusal(folder.parent) == "source_root: 2 data sets; one data set; set it to one of them"


def test_labels_mean_what_their_names_say(folder):
    nnunet = source(folder)

    scan = read_scan(nnunet.scan_files()["7234567", Phase.ED], nnunet.label_values)

    assert nnunet.label_values == {1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP}
    assert scan.label[:, 0, 0].tolist() == [Structure.RVBP, Structure.LVM, Structure.LVBP, 0]


def test_names_of_ones_own_are_told(folder):
    describe(folder, labels={"background": 0, "Blutpool": 3, "LV": 2, "RV": 1})

    nnunet = source(folder, label_names={"Blutpool": "LVBP", "LV": "LVM"})

    assert nnunet.label_values == {1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": {"background": 0, "LV": 1, "aorta": 2}}, r"dataset\.json: label 'aorta'; .*labels_left_out=aorta"),
        ({"labels": {"background": 0, "LV": "one"}}, "damaged or incomplete"),
        ({"labels": {"background": 0}}, "no label is a structure"),
        ({"channel_names": {"0": "cine", "1": "LGE"}}, "2 channels; one channel"),
        ({"file_ending": ".png"}, r"files that end in '\.png'; one of: \.nii\.gz, \.nii"),
    ],
)
def test_refuses_a_description_that_it_cannot_use(folder, changes, said):
    describe(folder, **changes)

    assert re.search(said, refusal(folder))


ATRIUM = {"background": 0, "RV": 1, "MLV": 2, "LVC": 3, "LA": 4}


def write_label(folder, values):
    label = drawn()
    label[1, 1, : len(values)] = values
    save(folder / "labelsTr/7234567_ED.nii.gz", label)


@pytest.mark.parametrize("parameters", [{"label_names": {"LA": "left_out"}}, {"labels_left_out": "LA"}])
def test_a_label_that_is_left_out_is_background_and_counted(folder, parameters):
    describe(folder, labels=ATRIUM)
    plain = source(folder, **parameters)
    without = read_scan(plain.scan_files()["7234567", Phase.ED], plain.label_values).label
    write_label(folder, [4, 4])

    nnunet = source(folder, **parameters)

    label = read_scan(nnunet.scan_files()["7234567", Phase.ED], nnunet.label_values).label
    assert (label == without).all()
    assert [str(one) for one in nnunet.omissions()] == [
        "1 of 4 labels are treated as background: LA (left out by name)"
    ]


def test_an_ignore_label_that_no_image_shows_changes_nothing(folder):
    describe(folder, labels={**ACDC["labels"], "ignore": 4})
    nnunet = source(folder)

    assert read_scan(nnunet.scan_files()["7234567", Phase.ED], nnunet.label_values).label.any()


def test_a_scan_with_ignored_voxels_is_refused_with_its_reason_and_can_be_used_as_background(folder):
    describe(folder, labels={**ACDC["labels"], "ignore": 4})
    write_label(folder, [4, 4])
    nnunet = source(folder)

    with pytest.raises(InvalidScanError, match=r"2 of 120 voxels of the label are not annotated .*; every voxel"):
        read_scan(nnunet.scan_files()["7234567", Phase.ED], nnunet.label_values)
    nnunet = source(folder, label_names={"ignore": "left_out"})
    assert read_scan(nnunet.scan_files()["7234567", Phase.ED], nnunet.label_values).label.any()


@pytest.mark.parametrize("meaning", ["LA", "background", "leftout", ""])
def test_a_meaning_that_there_is_not_is_refused_with_those_that_there_are(meaning):
    with pytest.raises(InvalidParameterError, match=r"label_names\.LA: .*one of: LVBP, LVM, RVBP, left_out, ignore"):
        parse_parameters(NnunetParameters, {"label_names": {"LA": meaning}}, "cohort.parameters")


# nnU-Net v1's own conversion of ACDC (Task027_ACDC) names modality and labels so
VERSION_1 = {
    "name": "ACDC",
    "description": "cardias cine MRI segmentation",
    "tensorImageSize": "4D",
    "modality": {"0": "MRI"},
    "labels": {"0": "background", "1": "RV", "2": "MLV", "3": "LVC"},
    "numTraining": 2,
    "numTest": 0,
    "training": [{"image": "./imagesTr/7234567_ED.nii.gz", "label": "./labelsTr/7234567_ED.nii.gz"}],
    "test": [],
}


@pytest.mark.parametrize("name", ["Dataset042_Heart", "Task042_Heart"])
def test_a_data_set_of_version_1_is_read(folder, name):
    (folder / "dataset.json").write_text(json.dumps(VERSION_1))
    folder.rename(folder.with_name(name))

    nnunet = source(folder.parent)

    assert len(nnunet.scan_files()) == 4
    assert nnunet.label_values == {1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": {"0": "background", "1": "LV", "2": "LV"}}, "damaged or incomplete"),
        ({"modality": {"0": "cine", "1": "LGE"}}, "2 channels; one channel"),
        ({"labels": {"0": "background", "1": "Aorta"}}, "label 'Aorta'"),
    ],
)
def test_a_data_set_of_version_1_is_refused_as_one_of_version_2_is(folder, changes, said):
    (folder / "dataset.json").write_text(json.dumps({**VERSION_1, **changes}))

    assert said in refusal(folder)


def test_images_without_the_number_of_a_channel_are_those_of_the_decathlon(folder):
    for path in [*folder.glob("images*/*")]:
        path.rename(path.with_name(path.name.replace("_0000", "")))

    assert refusal(folder).startswith("imagesTr and imagesTs: no name of 4 images ends in _0000; ")
    assert "nnUNetv2_convert_MSD_dataset" in refusal(folder)


def test_images_and_labels_of_no_case_are_counted(folder):
    save(folder / "imagesTr" / "7234567_ED_0001.nii.gz", ramp())
    save(folder / "labelsTr" / "7234999_ED.nii.gz", drawn())

    omissions = source(folder).omissions()

    assert [(one.what, one.count, one.total) for one in omissions] == [("images", 1, 5), ("labels", 1, 3)]
    assert not any("7234" in str(one) for one in omissions)


@pytest.mark.parametrize("ending", [".nii", ".NII.GZ", "nii.gz"])
def test_files_need_not_end_as_the_description_says(folder, ending):
    describe(folder, file_ending=ending)

    assert len(source(folder).scan_files()) == 4


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"labels": {}}'])
def test_refuses_a_damaged_description(folder, content):
    (folder / "dataset.json").write_bytes(content)

    assert refusal(folder).startswith("dataset.json: damaged or incomplete; channel_names, labels and file_ending")


def test_numbered_frames_are_phases_where_the_table_says_so(tmp_path):
    for frame in ("frame01", "frame12", "frame20"):
        write_case(tmp_path, "Tr", f"patient001_{frame}")
    (tmp_path / "demographics.csv").write_text("subject_id,pathology,ED,ES\npatient001,DCM,1,12\n")
    describe(tmp_path)
    nnunet = source(tmp_path)

    files = nnunet.scan_files()

    assert {phase: scan.image.name for (_, phase), scan in files.items()} == {
        Phase.ED: "patient001_frame01_0000.nii.gz",
        Phase.ES: "patient001_frame12_0000.nii.gz",
    }
    assert nnunet.attributes().columns.tolist() == ["pathology"]


def test_a_pattern_reads_names_of_another_form(folder):
    for path in [*folder.glob("*Tr/*"), *folder.glob("*Ts/*")]:
        path.rename(path.with_name(path.name.replace("_ED", "-ed").replace("_ES", "-es")))

    assert len(source(folder, case_pattern=r"(?P<subject>\d+)-(?P<phase>ed|es)").scan_files()) == 4


@pytest.mark.parametrize(
    ("pattern", "said"), [("(", "no regular expression"), (r"(?P<subject>.+)", r"no group \(\?P<phase>")]
)
def test_a_pattern_that_cannot_tell_is_refused(pattern, said):
    with pytest.raises(InvalidParameterError, match=said):
        parse_parameters(NnunetParameters, {"case_pattern": pattern}, "cohort.parameters")


def test_refuses_cases_that_do_not_say_their_phase(folder):
    for path in [*folder.glob("*Tr/*_ES*"), *folder.glob("*Ts/*_ES*")]:
        path.unlink()
    for path in [*folder.glob("*Tr/*"), *folder.glob("*Ts/*")]:
        path.rename(path.with_name(path.name.replace("_ED", "")))

    assert refusal(folder).startswith("cases: none of 2 says its phase; names that end in _ED or _ES, or in _frameNN")


def test_rejects_the_one_subject_whose_cases_do_not_say_their_phase(folder):
    write_case(folder, "Tr", "7234569")
    nnunet = source(folder)

    assert len(nnunet.scan_files()) == 4
    assert nnunet.rejected().keys() == {"7234569"}
    assert "7234569" not in nnunet.rejected()["7234569"].reason


def test_attributes_are_the_columns_of_the_table(folder):
    attributes = source(folder).attributes()

    assert attributes.index.name == "source_id"
    assert attributes.loc["7234567"].tolist() == ["female", 61.0]
    assert attributes["age"].isna().tolist() == [False, True]


def test_refuses_a_data_set_without_a_table_of_subjects_and_says_what_it_must_hold(folder):
    (folder / "demographics.csv").rename(folder / "people.csv")

    assert refusal(folder) == (
        "the table of subjects: no file 'demographics.csv'; one row a subject: subject_id and attributes; "
        "write it beside dataset.json, or set cohort.parameters.demographics"
    )
    assert len(source(folder, demographics="people.csv").attributes()) == 2


def test_refuses_a_table_without_the_column_of_subjects(folder):
    with pytest.raises(InvalidCohortError, match="the table of subjects: no column 'eid'"):
        source(folder, subject_column="eid").attributes()


def test_refuses_a_scan_that_lies_in_two_parts(folder):
    write_case(folder, "Ts", "7234567_ED")

    assert refusal(folder).startswith("subject ids: 1 duplicated")


def test_refuses_a_folder_of_another_layout(tmp_path):
    assert refusal(tmp_path).startswith("source_root: no scans found there; Dataset<id>_<name>/ with dataset.json")
    describe(tmp_path)
    assert refusal(tmp_path).startswith("source_root: no scans found there")


def test_refuses_parameters_of_another_source(tmp_path):
    with pytest.raises(InvalidParameterError):
        NnunetRaw(tmp_path, NoParameters())


@pytest.fixture
def key():
    return pd.DataFrame(
        {"subject_id": ["sub-0001", "sub-0002", "sub-0003"], "source_id": ["7234567", "7234568", "7234569"]}
    )


def test_nnunets_own_split_becomes_the_studys(tmp_path, key):
    folds = [
        {"train": ["7234567_ED", "7234567_ES"], "val": ["7234569_ED"]},
        {"train": ["7234569_ED"], "val": ["7234567_ED"]},
    ]
    (tmp_path / "splits_final.json").write_text(json.dumps(folds))

    splits = [study_splits(tmp_path / "splits_final.json", key, PATTERN, fold) for fold in (0, 1)]

    assert splits[0].to_numpy().tolist() == [
        ["sub-0001", "train"],
        ["sub-0002", "test"],
        ["sub-0003", "validation"],
    ]
    assert splits[1]["split"].tolist() == ["validation", "test", "train"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", r"fold 0; 0\.\.-1"),
        ("{", "missing or damaged"),
        ('[{"train": ["7234567_ED"], "val": ["7234567_ES"]}]', "1 subjects train and validate"),
    ],
)
def test_refuses_splits_that_are_none(tmp_path, key, content, said):
    (tmp_path / "splits_final.json").write_text(content)

    with pytest.raises(InvalidSplitError, match=said):
        study_splits(tmp_path / "splits_final.json", key, PATTERN)


@pytest.mark.parametrize("number", ["1e999", "1e308", "0.5"])
def test_numbers_that_no_cine_has_name_no_phase(tmp_path, number):
    write_case(tmp_path, "Tr", "patient001_frame01")
    write_case(tmp_path, "Tr", "patient001_frame12")
    (tmp_path / "demographics.csv").write_text(f"subject_id,ED,ES\npatient001,{number},12\n")
    describe(tmp_path)

    assert set(source(tmp_path).scan_files()) == {("patient001", Phase.ES)}


def test_a_pipe_in_the_place_of_splits_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "splits_final.json")

    with pytest.raises(InvalidSplitError, match="missing or damaged"):
        study_splits(tmp_path / "splits_final.json", pd.DataFrame(), PATTERN)
