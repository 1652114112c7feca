"""A cohort that is written for nnU-Net is what nnU-Net expects, and comes back as the cohort that it was."""

from __future__ import annotations

import json
import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from faircmr.core.anatomy import Phase
from faircmr.core.cohort import Cohort
from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.core.keys import assign_keys, no_keys
from faircmr.core.scan import Geometry, Scan, ScanFiles
from faircmr.core.structures import structures_shown
from faircmr.core.subject_index import AttributeParameters, index_subjects
from faircmr.datasets import NnunetRawDataset
from faircmr.sources.acdc import Acdc
from faircmr.sources.base import NoParameters
from faircmr.sources.building import build_cohort, first_paths
from faircmr.sources.nnunet_export import export_cohort

TURNED = ((0.0, -1.25, 0.0, 3.0), (1.5, 0.0, 0.0, -4.0), (0.0, 0.0, 10.0, 5.0), (0.0, 0.0, 0.0, 1.0))
GRID = Geometry((3, 4, 5), (10.0, 1.25, 1.5), qform=TURNED, qform_code=1, sform=TURNED, sform_code=1)
SPLITS = {"sub-0001": "train", "sub-0002": "validation", "sub-0003": "test", "sub-0004": "unused"}


def scan_of(seed, *, labelled=True, structures=4):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, structures, GRID.shape).astype(np.uint8)
    return Scan(rng.normal(100, 20, GRID.shape).astype(np.float32), label if labelled else None, GRID)


class Study:
    """Four subjects in memory, of whom one has no labels; ``splits`` may be replaced."""

    def __init__(self, structures=4):
        names = [(name, phase) for name in SPLITS for phase in Phase]
        self.made = {
            key: scan_of(seed, labelled=key[0] != "sub-0003", structures=structures) for seed, key in enumerate(names)
        }
        self.subjects = pd.DataFrame(
            {"subject_id": list(SPLITS), "protected_group": ["A", "B", "A", "B"], "sex": ["f", "m", "f", "m"]}
        )
        self.scans = pd.DataFrame(
            [
                {
                    "subject_id": name,
                    "phase": str(phase),
                    "labelled": scan.label is not None,
                    "structures": structures_shown(scan.label),
                }
                for (name, phase), scan in self.made.items()
            ]
        )
        self.splits = pd.DataFrame(SPLITS.items(), columns=["subject_id", "split"])
        self.read = []

    def cohort(self):
        files = {key: ScanFiles(str(place)) for place, key in enumerate(self.made)}
        by_path = {one.image: key for key, one in files.items()}

        def read(one):
            self.read.append(by_path[one.image])
            return self.made[by_path[one.image]]

        return Cohort(self.subjects, self.scans, files, read)

    def export(self):
        return export_cohort(self.cohort(), self.subjects, self.scans, self.splits)


@pytest.fixture
def study():
    return Study()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "Dataset101_Study"


@pytest.fixture
def dataset(folder, study):
    dataset = NnunetRawDataset(str(folder))
    dataset.save(study.export())
    return dataset


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_lie_where_nnunet_looks_for_them(dataset, folder):
    assert names(folder) == [
        "dataset.json",
        "demographics.csv",
        *(f"imagesTr/sub-000{number}_{phase}_0000.nii.gz" for number in (1, 2) for phase in Phase),
        *(f"imagesTs/sub-0003_{phase}_0000.nii.gz" for phase in Phase),
        *(f"labelsTr/sub-000{number}_{phase}.nii.gz" for number in (1, 2) for phase in Phase),
        "splits_final.json",
    ]
    assert sorted(path.relative_to(folder).as_posix() for path in dataset.files()) == names(folder)
    assert dataset.exists()


def test_the_description_has_what_nnunet_asks_for(dataset, folder):
    description = json.loads((folder / "dataset.json").read_text())

    assert description == {
        "channel_names": {"0": "cineMRI"},
        "labels": {"background": 0, "LVBP": 1, "LVM": 2, "RVBP": 3},
        "numTraining": 4,
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "NibabelIO",
    }


def test_of_a_left_ventricle_alone_no_other_label_is_promised(folder):
    dataset = NnunetRawDataset(str(folder))
    dataset.save(Study(structures=3).export())

    assert json.loads((folder / "dataset.json").read_text())["labels"] == {"background": 0, "LVBP": 1, "LVM": 2}
    assert set(dataset.load().scans["labelled"]) == {True, False}


def test_the_fold_trains_and_validates_as_the_study_does(dataset, folder):
    assert json.loads((folder / "splits_final.json").read_text()) == [
        {"train": ["sub-0001_ED", "sub-0001_ES"], "val": ["sub-0002_ED", "sub-0002_ES"]}
    ]


def test_of_a_cross_validation_all_folds_are_there_and_nobody_tested_trains(study, folder):
    turns = [
        ("sub-0001", "test", "train"),
        ("sub-0002", "train", "test"),
        ("sub-0003", "test", "unused"),
        ("sub-0004", "validation", "validation"),
    ]
    study.splits = pd.DataFrame(
        [(name, split, fold) for name, *splits in turns for fold, split in enumerate(splits)],
        columns=["subject_id", "split", "fold"],
    )

    NnunetRawDataset(str(folder)).save(study.export())

    both = ["sub-0004_ED", "sub-0004_ES"]
    assert json.loads((folder / "splits_final.json").read_text()) == [
        {"train": ["sub-0002_ED", "sub-0002_ES"], "val": both},
        {"train": ["sub-0001_ED", "sub-0001_ES"], "val": both},
    ]
    assert {path.name[:8] for path in (folder / "imagesTr").iterdir()} == {"sub-0001", "sub-0002", "sub-0004"}
    assert {path.name[:8] for path in (folder / "imagesTs").iterdir()} == {"sub-0003"}


def test_every_scan_comes_back_bit_by_bit_on_its_grid(dataset, study):
    cohort = dataset.load()

    assert set(cohort.files) == {key for key in study.made if key[0] != "sub-0004"}
    for key in cohort.files:
        read, made = cohort.read(*key), study.made[key]
        np.testing.assert_array_equal(read.image, made.image)
        assert (read.label is None) == (made.label is None)
        if made.label is not None:
            np.testing.assert_array_equal(read.label, made.label)
        assert read.geometry.spacing == GRID.spacing
        assert read.geometry.sform == TURNED


def test_attributes_come_back_with_their_subjects(dataset, study):
    pd.testing.assert_frame_equal(dataset.load().subjects, study.subjects.head(3).astype("str"))


def test_a_protected_attribute_that_was_not_named_ends_with_those_that_there_are(dataset):
    with pytest.raises(InvalidParameterError, match=r"attributes: 'race'; .*: protected_group, sex; did you mean"):
        index_subjects(dataset.load(), AttributeParameters(protected_attribute="race"))


def test_other_tools_see_the_same_volume(dataset, folder, study):
    volume = nib.load(folder / "imagesTr" / "sub-0001_ES_0000.nii.gz")

    np.testing.assert_array_equal(np.asanyarray(volume.dataobj).T, study.made["sub-0001", Phase.ES].image)
    assert volume.header.get_zooms() == (1.5, 1.25, 10.0)
    np.testing.assert_array_equal(volume.affine, np.array(TURNED))


def test_a_real_scan_comes_back_bit_by_bit(acdc_root, tmp_path):
    """ACDC calls the right ventricle 1 and the left one 3; the export calls them what the study does."""
    (tmp_path / "acdc").mkdir()
    (tmp_path / "acdc" / "patient001").symlink_to(acdc_root / "patient001", target_is_directory=True)
    source = Acdc(tmp_path / "acdc", NoParameters())
    cohort = build_cohort(source, assign_keys(no_keys(), first_paths(source.scan_files(), source.rejected(), tmp_path)))
    scan = cohort.read("sub-0001", Phase.ES)
    scans = cohort.scans.assign(structures=structures_shown(scan.label))
    splits = pd.DataFrame({"subject_id": ["sub-0001"], "split": ["train"]})
    dataset = NnunetRawDataset(str(tmp_path / "Dataset027_ACDC"))

    dataset.save(export_cohort(cohort, cohort.subjects.assign(protected_group="DCM"), scans, splits))

    back = dataset.load().read("sub-0001", Phase.ES)
    np.testing.assert_array_equal(back.image, scan.image)
    np.testing.assert_array_equal(back.label, scan.label)
    assert back.geometry == scan.geometry


def test_scans_are_read_one_by_one_as_they_are_written(study, folder):
    export = study.export()
    assert study.read == []

    NnunetRawDataset(str(folder)).save(export)

    assert study.read == [key for key in study.made if key[0] != "sub-0004"]


def test_what_is_no_more_goes(dataset, folder, study):
    study.splits = study.splits.replace({"split": {"test": "unused"}})

    dataset.save(study.export())

    assert not (folder / "imagesTs").exists()
    assert [name for name in names(folder) if "sub-0003" in name] == []
    assert len(names(folder)) == 3 + 2 * 4


def test_stays_as_it_was_where_a_scan_cannot_be_read(dataset, folder, study):
    before = {name: (folder / name).read_bytes() for name in names(folder)}
    study.made.pop(("sub-0002", Phase.ES))
    broken = study.export()
    study.made.clear()

    with pytest.raises(DatasetError):
        dataset.save(broken)

    assert {name: (folder / name).read_bytes() for name in names(folder)} == before


def test_is_unfinished_without_its_description(dataset, folder):
    (folder / "dataset.json").unlink()

    assert not dataset.exists()
    with pytest.raises(DatasetError, match="no scans found there"):
        dataset.load()


@pytest.mark.parametrize("name", ["Study", "Dataset1_Study", "Dataset101_", "Dataset101-Study", "Dataset101_Häuser"])
def test_refuses_a_name_that_nnunet_would_not_take(tmp_path, study, name):
    with pytest.raises(DatasetError) as error:
        NnunetRawDataset(str(tmp_path / name)).save(study.export())

    assert isinstance(error.value.__cause__, InvalidParameterError)
    assert re.search(r"nnunet_dataset: .*; Dataset<three digits>_", str(error.value.__cause__))
    assert not (tmp_path / name).exists()


def test_refuses_a_study_in_which_nobody_who_trains_has_a_label(study):
    study.scans = study.scans.assign(labelled=False, structures="")

    with pytest.raises(InvalidCohortError, match="training subjects: none has a label"):
        study.export()
