"""A cohort that is written for nnU-Net is what nnU-Net expects, and comes back as the cohort that it was."""

from __future__ import annotations

import json
import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from faircmr.core import (
    InvalidCohortError,
    InvalidParameterError,
    InvalidSplitError,
    Omission,
    omission_table,
    omissions_in,
)
from faircmr.core.scans import Cohort, Geometry, Phase, Scan, ScanFiles, structures_in_label
from faircmr.core.study import AttributeParameters, assign_keys, empty_key_table, index_subjects
from faircmr.datasets import NnunetRawDataset
from faircmr.sources import Acdc, NoParameters, build_cohort, first_paths
from faircmr.sources.nnunet import FOLDS, STEP, StudyTables, export_cohort
from tests.sources.nnunet_rules import accumulation_fault, validated

TURNED = ((0.0, -1.25, 0.0, 3.0), (1.5, 0.0, 0.0, -4.0), (0.0, 0.0, 10.0, 5.0), (0.0, 0.0, 0.0, 1.0))
GRID = Geometry((3, 4, 5), (10.0, 1.25, 1.5), qform=TURNED, qform_code=1, sform=TURNED, sform_code=1)
SPLITS = {
    "sub-0001": "train",
    "sub-0002": "validation",
    "sub-0003": "test",
    "sub-0004": "unused",
    "sub-0005": "test",
    "sub-0006": "train",
}
UNLABELLED = "sub-0003"
EXPORTED = ("sub-0001", "sub-0002", "sub-0005", "sub-0006")
QUARANTINED = Omission("subjects", 2, 8, "cannot be used")


def scan_of(seed, *, labelled=True, structures=4):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, structures, GRID.shape).astype(np.uint8)
    return Scan(rng.normal(100, 20, GRID.shape).astype(np.float32), label if labelled else None, GRID)


class Study:
    """Six subjects in memory, of whom one has no labels; ``splits`` may be replaced."""

    def __init__(self, structures=4):
        names = [(name, phase) for name in SPLITS for phase in Phase]
        self.made = {
            key: scan_of(seed, labelled=key[0] != UNLABELLED, structures=structures) for seed, key in enumerate(names)
        }
        self.subjects = pd.DataFrame(
            {"subject_id": list(SPLITS), "protected_group": ["A", "B"] * 3, "sex": ["f", "m"] * 3}
        )
        self.scans = pd.DataFrame(
            [
                {
                    "subject_id": name,
                    "phase": str(phase),
                    "labelled": scan.label is not None,
                    "structures": structures_in_label(scan.label),
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
        omissions = omission_table({"Reading the cohort": [QUARANTINED]})
        return export_cohort(self.cohort(), StudyTables(self.subjects, self.scans, self.splits, omissions))

    def divide(self, turns):
        """Folds of a cross-validation: the splits of each subject, in the order of the folds."""
        rows = [(name, split, fold) for name, splits in turns.items() for fold, split in enumerate(splits)]
        self.splits = pd.DataFrame(rows, columns=["subject_id", "split", "fold"])


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


def subjects_of(cases):
    return {case.rpartition("_")[0] for case in cases}


def folds_in(folder):
    return json.loads((folder / "splits_final.json").read_text())


def test_files_lie_where_nnunet_looks_for_them(dataset, folder):
    parts = {"Tr": (1, 2, 6), "Ts": (5,)}
    assert names(folder) == sorted(
        [
            *("dataset.json", "demographics.csv", "omissions.csv", "splits.csv", "splits_final.json"),
            *(f"images{part}/sub-000{n}_{phase}_0000.nii.gz" for part in parts for n in parts[part] for phase in Phase),
            *(f"labels{part}/sub-000{n}_{phase}.nii.gz" for part in parts for n in parts[part] for phase in Phase),
        ]
    )
    assert sorted(path.relative_to(folder).as_posix() for path in dataset.files()) == names(folder)
    assert dataset.exists()


def test_the_description_has_what_nnunet_asks_for(dataset, folder):
    description = json.loads((folder / "dataset.json").read_text())

    assert description == {
        "channel_names": {"0": "cineMRI"},
        "labels": {"background": 0, "LVBP": 1, "LVM": 2, "RVBP": 3},
        "numTraining": 6,
        "file_ending": ".nii.gz",
        "overwrite_image_reader_writer": "NibabelIO",
    }


def test_of_a_left_ventricle_alone_no_other_label_is_promised(folder):
    dataset = NnunetRawDataset(str(folder))
    dataset.save(Study(structures=3).export())

    assert json.loads((folder / "dataset.json").read_text())["labels"] == {"background": 0, "LVBP": 1, "LVM": 2}
    assert set(dataset.load().scans["labelled"]) == {True}


def test_the_first_fold_trains_and_validates_as_the_study_does(dataset, folder):
    first, *others = folds_in(folder)

    assert first == {
        "train": ["sub-0001_ED", "sub-0001_ES", "sub-0006_ED", "sub-0006_ES"],
        "val": ["sub-0002_ED", "sub-0002_ES"],
    }
    assert sorted(fold["val"] for fold in others) == [["sub-0001_ED", "sub-0001_ES"], ["sub-0006_ED", "sub-0006_ES"]]
    assert accumulation_fault(folder) is None


def test_the_splits_of_the_study_say_who_is_tested(dataset, folder):
    splits = pd.read_csv(folder / "splits.csv")

    assert dict(zip(splits["subject_id"], splits["split"], strict=True)) == {name: SPLITS[name] for name in EXPORTED}


def test_of_a_cross_validation_each_fold_validates_who_is_tested_in_it(study, folder):
    study.divide(
        {
            "sub-0001": ("test", "train", "train"),
            "sub-0002": ("train", "test", "validation"),
            UNLABELLED: ("test", "unused", "unused"),
            "sub-0004": ("validation", "train", "test"),
            "sub-0005": ("test", "validation", "train"),
            "sub-0006": ("train", "test", "unused"),
        }
    )

    NnunetRawDataset(str(folder)).save(study.export())

    assert [(subjects_of(fold["train"]), subjects_of(fold["val"])) for fold in folds_in(folder)] == [
        ({"sub-0002", "sub-0006"}, {"sub-0001", "sub-0005"}),
        ({"sub-0001", "sub-0004"}, {"sub-0002", "sub-0006"}),
        ({"sub-0001", "sub-0005"}, {"sub-0004"}),
    ]
    assert not (folder / "imagesTs").exists()
    assert accumulation_fault(folder) is None
    splits = pd.read_csv(folder / "splits.csv")
    assert set(splits.loc[(splits["split"] == "test") & (splits["fold"] == 0), "subject_id"]) == {
        "sub-0001",
        "sub-0005",
    }


def test_who_is_tested_in_no_fold_is_validated_in_a_further_one(study, folder):
    study.divide(
        {
            "sub-0001": ("test", "train"),
            "sub-0002": ("train", "test"),
            UNLABELLED: ("test", "unused"),
            "sub-0004": ("train", "train"),
            "sub-0005": ("validation", "validation"),
            "sub-0006": ("unused", "unused"),
        }
    )

    NnunetRawDataset(str(folder)).save(study.export())

    first, second, *further = folds_in(folder)
    assert (subjects_of(first["val"]), subjects_of(second["val"])) == ({"sub-0001"}, {"sub-0002"})
    assert set.union(*(subjects_of(fold["val"]) for fold in further)) == {"sub-0004", "sub-0005"}
    assert accumulation_fault(folder) is None


@pytest.mark.parametrize(("train", "validation"), [(1, 1), (2, 0), (3, 1), (4, 0), (9, 2), (40, 5)])
def test_folds_of_one_split_are_five_where_there_are_enough_subjects(train, validation):
    splits = [*["train"] * train, *["validation"] * validation, "test"]
    ids = [f"sub-{number:04d}" for number in range(len(splits))]
    scans = pd.DataFrame([(one, phase, True, "LVBP") for one in ids for phase in ("ED", "ES")])
    scans.columns = ["subject_id", "phase", "labelled", "structures"]
    groups = ["ABC"[place % 3] for place in range(len(ids))]
    subjects = pd.DataFrame({"subject_id": ids, "protected_group": groups})
    divided = pd.DataFrame({"subject_id": ids, "split": splits})
    cohort = Cohort(subjects, scans, {}, lambda _: None)

    export = export_cohort(cohort, StudyTables(subjects, scans, divided, omission_table({})))

    # each subject validates once, both phases together, and no fold trains on the subjects that it validates
    assert sorted(validated(export.folds)) == sorted(f"{one}_{phase}" for one in ids[:-1] for phase in ("ED", "ES"))
    assert all(not subjects_of(fold.train) & subjects_of(fold.val) for fold in export.folds)
    assert all(fold.train and fold.val for fold in export.folds)
    learning = train + validation
    assert len(export.folds) == min(FOLDS, train + (1 if validation else 0), learning)
    assert {case.name[:8] for case in export.cases if case.part == "Ts"} == {ids[-1]}


def test_every_scan_comes_back_bit_by_bit_on_its_grid(dataset, study):
    cohort = dataset.load()

    assert set(cohort.files) == {key for key in study.made if key[0] in EXPORTED}
    for key in cohort.files:
        read, made = cohort.read(*key), study.made[key]
        np.testing.assert_array_equal(read.image, made.image)
        np.testing.assert_array_equal(read.label, made.label)
        assert read.geometry.spacing == GRID.spacing
        assert read.geometry.sform == TURNED


def test_attributes_come_back_with_their_subjects(dataset, study):
    exported = study.subjects[study.subjects["subject_id"].isin(EXPORTED)]

    pd.testing.assert_frame_equal(dataset.load().subjects, exported.reset_index(drop=True).astype("str"))


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
    for name in ("patient001", "patient002"):
        (tmp_path / "acdc" / name).symlink_to(acdc_root / name, target_is_directory=True)
    source = Acdc(tmp_path / "acdc", NoParameters())
    cohort = build_cohort(
        source, assign_keys(empty_key_table(), first_paths(source.scan_files(), source.rejected(), tmp_path))
    )
    scan = cohort.read("sub-0001", Phase.ES)
    scans = cohort.scans.assign(structures=structures_in_label(scan.label))
    splits = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "split": ["train", "validation"]})
    tables = StudyTables(cohort.subjects.assign(protected_group="DCM"), scans, splits, omission_table({}))
    dataset = NnunetRawDataset(str(tmp_path / "Dataset027_ACDC"))

    dataset.save(export_cohort(cohort, tables))

    back = dataset.load().read("sub-0001", Phase.ES)
    np.testing.assert_array_equal(back.image, scan.image)
    np.testing.assert_array_equal(back.label, scan.label)
    assert back.geometry == scan.geometry


def test_scans_are_read_one_by_one_as_they_are_written(study, folder):
    export = study.export()
    assert study.read == []

    NnunetRawDataset(str(folder)).save(export)

    assert study.read == [key for key in study.made if key[0] in EXPORTED]


def test_what_is_no_more_goes(dataset, folder, study):
    study.splits = study.splits.replace({"split": {"test": "unused"}})

    dataset.save(study.export())

    assert not (folder / "imagesTs").exists()
    assert [name for name in names(folder) if "sub-0005" in name] == []
    assert len(names(folder)) == 5 + 2 * 6


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


@pytest.mark.parametrize(("labelled", "found"), [((), "none has a label"), (("sub-0001",), "only 1 has a label")])
def test_refuses_a_study_with_fewer_than_two_labelled_training_subjects(study, labelled, found):
    study.scans["labelled"] &= study.scans["subject_id"].isin([*labelled, "sub-0005"])

    with pytest.raises(InvalidCohortError, match=f"training subjects: {found}; at least 2"):
        study.export()


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ({"sub-0001": ("train", "test"), "sub-0002": ("train", "test")}, "fold 0 of the splits: .* in split 'test'"),
        ({"sub-0001": ("test", "unused"), "sub-0002": ("unused", "test")}, "fold 0 of the splits: .* in split 'train'"),
    ],
)
def test_refuses_a_fold_that_nnunet_could_not_train_or_validate(study, turns, message):
    others = {name: ("unused", "unused") for name in SPLITS if name not in turns}
    study.divide(turns | others | {UNLABELLED: ("test", "unused")})

    with pytest.raises(InvalidSplitError, match=message):
        study.export()


# --- what is left out ---


def test_who_has_no_label_or_no_part_is_counted_and_named_in_no_file(dataset, folder, caplog):
    left_out = omissions_in(pd.read_csv(folder / "omissions.csv"))

    assert left_out == {
        "Reading the cohort": [QUARANTINED],
        STEP: [
            Omission("subjects", 1, 6, "the splits give them no part", "not exported"),
            Omission("subjects", 1, 6, "no label", "not exported"),
        ],
    }
    texts = {path.name: path.read_text() for path in folder.glob("*.*") if path.is_file()}
    assert {name for name, text in texts.items() if UNLABELLED in text or "sub-0004" in text} == set()
    assert not [name for name in names(folder) if UNLABELLED in name or "sub-0004" in name]


def test_what_is_left_out_is_logged_in_the_words_of_the_table(study, caplog):
    study.scans.loc[study.scans["subject_id"] == "sub-0001", "labelled"] = [True, False]

    study.export()

    assert caplog.messages == [
        "1 of 6 subjects are not exported: the splits give them no part",
        "1 of 6 subjects are not exported: no label",
        "1 of 12 scans are not exported: no label, but one at the other phase",
    ]
