"""A cohort knows its subjects by study key alone."""

import logging
import os

import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, InvalidScanError, Omission
from faircmr.core.scans import Phase, ScanFiles, Structure
from faircmr.core.study import assign_keys, empty_key_table
from faircmr.sources import Rejection, build_cohort, first_paths
from faircmr.sources.base import scan_fingerprint
from tests.sources.volumes import drawn, ramp, save

LABELS = {1: Structure.LVBP, 2: Structure.LVM, 3: Structure.RVBP}


class Clinic:
    """A source in memory: subjects 7654321 (both phases) and 7234567 (ED, unlabelled)."""

    label_values = LABELS

    def __init__(self, root, attributes):
        self.root = root
        self._attributes = attributes
        self.broken, self.left_out = {}, ()
        for name in ("ED", "ES"):
            save(root / f"7654321_{name}.nii.gz", ramp())
            save(root / f"7654321_{name}_label.nii.gz", drawn())
        save(root / "7234567_ED.nii.gz", ramp())

    def prepare(self, own):
        """Nothing to do."""

    def rejected(self):
        return self.broken

    def scan_files(self):
        labelled = {
            ("7654321", phase): ScanFiles(
                self.root / f"7654321_{phase}.nii.gz", self.root / f"7654321_{phase}_label.nii.gz"
            )
            for phase in reversed(Phase)
        }
        return {**labelled, ("7234567", Phase.ED): ScanFiles(self.root / "7234567_ED.nii.gz")}

    def omissions(self):
        return self.left_out

    def attribute_files(self):
        return []

    def attributes(self):
        return self._attributes


def attributes_of(**sexes):
    return pd.DataFrame({"sex": sexes}).rename_axis("source_id")


@pytest.fixture
def clinic(tmp_path):
    return Clinic(tmp_path, attributes_of(**{"7654321": "female"}))


def cohort_of(clinic):
    key = assign_keys(empty_key_table(), first_paths(clinic.scan_files(), clinic.rejected(), clinic.root))
    return build_cohort(clinic, key)


def test_lists_scans_by_study_key_ed_first(clinic):
    scans = cohort_of(clinic).scans

    assert scans[["subject_id", "phase", "labelled"]].to_numpy().tolist() == [
        ["sub-0001", "ED", False],
        ["sub-0002", "ED", True],
        ["sub-0002", "ES", True],
    ]


def test_keeps_a_subject_of_whom_nothing_is_known(clinic):
    subjects = cohort_of(clinic).subjects

    assert subjects["subject_id"].tolist() == ["sub-0001", "sub-0002"]
    assert subjects["sex"].isna().tolist() == [True, False]


def test_counts_who_has_attributes_but_no_scan(clinic):
    # one of them even has an id that looks like a study key
    clinic._attributes = attributes_of(**{"7654321": "female", "9555555": "male", "sub-0001": "male"})

    cohort = cohort_of(clinic)

    assert cohort.omissions == (Omission("subjects with attributes", 2, 3, "no scan"),)
    assert cohort.subjects["sex"].isna().tolist() == [True, False]


def test_hands_on_what_the_source_left_out(clinic):
    clinic.left_out = (Omission("archives", 3, 5, "no contours"),)

    assert cohort_of(clinic).omissions == clinic.left_out


def test_says_what_was_left_out_where_nothing_remains(clinic, caplog):
    clinic.left_out = (Omission("archives", 3, 3, "no contours"),)
    clinic.scan_files = dict

    with caplog.at_level(logging.WARNING), pytest.raises(InvalidCohortError, match="no scans found there"):
        build_cohort(clinic, empty_key_table())

    assert caplog.messages == ["3 of 3 archives are left out: no contours"]


def test_reads_a_scan_by_study_key(clinic):
    scan = cohort_of(clinic).read("sub-0002", Phase.ES)

    assert scan.label[:, 0, 0].tolist() == [1, 2, 3, 0]


def test_names_the_study_key_of_a_scan_that_cannot_be_read(clinic):
    cohort = cohort_of(clinic)
    (clinic.root / "7654321_ES.nii.gz").write_bytes(b"")

    with pytest.raises(InvalidScanError, match=r"sub-0002 ES: the image file is truncated.*01_raw/key\.csv"):
        cohort.read("sub-0002", Phase.ES)


def test_never_shows_a_source_id(clinic):
    assert "7654321" not in repr(cohort_of(clinic))
    assert "7654321" not in cohort_of(clinic).scans.to_csv() + cohort_of(clinic).subjects.to_csv()


def test_notes_where_the_first_scan_of_each_subject_lies(clinic):
    assert first_paths(clinic.scan_files(), clinic.rejected(), clinic.root) == {
        "7234567": "7234567_ED.nii.gz",
        "7654321": "7654321_ED.nii.gz",
    }


def test_refuses_a_source_without_scans(clinic, monkeypatch):
    monkeypatch.setattr(clinic, "scan_files", dict)

    with pytest.raises(InvalidCohortError, match="no scans found"):
        build_cohort(clinic, empty_key_table())


def test_a_fingerprint_changes_with_size_time_label_and_frame_of_a_scan_and_not_with_its_place(tmp_path):
    image, label, elsewhere = (tmp_path / name for name in ("image", "label", "elsewhere"))
    for path in (image, label, elsewhere):
        path.write_text("same")
        os.utime(path, ns=(5, 5))
    before = scan_fingerprint(ScanFiles(image))

    assert scan_fingerprint(ScanFiles(elsewhere)) == before
    others = [ScanFiles(image, label), ScanFiles(image, tmp_path / "missing"), ScanFiles(image, frame=1)]
    assert len({before, *map(scan_fingerprint, others)}) == 4
    os.utime(image, ns=(5, 6))
    touched = scan_fingerprint(ScanFiles(image))
    image.write_text("longer")
    os.utime(image, ns=(5, 5))
    assert len({before, touched, scan_fingerprint(ScanFiles(image))}) == 3


def test_knows_who_is_rejected_and_why_and_what_is_known_of_them(clinic, tmp_path):
    clinic._attributes = attributes_of(**{"7654321": "female", "9999999": "male"})
    clinic.broken = {"9999999": Rejection(tmp_path / "9999999.zip", "an encrypted archive")}
    key = assign_keys(empty_key_table(), first_paths(clinic.scan_files(), clinic.broken, tmp_path))

    cohort = build_cohort(clinic, key)

    assert cohort.rejected[["subject_id", "reason"]].to_numpy().tolist() == [["sub-0003", "an encrypted archive"]]
    assert cohort.subjects.set_index("subject_id")["sex"]["sub-0003"] == "male"
    assert "sub-0003" not in set(cohort.scans["subject_id"])
    assert key.set_index("subject_id")["path"]["sub-0003"] == "9999999.zip"


def test_says_why_where_nobody_can_be_used(clinic, tmp_path, monkeypatch):
    monkeypatch.setattr(clinic, "scan_files", dict)
    clinic.broken = {"9999999": Rejection(tmp_path / "9999999.zip", "an encrypted archive")}
    key = assign_keys(empty_key_table(), first_paths({}, clinic.broken, tmp_path))

    with pytest.raises(
        InvalidCohortError, match=r"none of 1 subjects .*sub-0001: an encrypted archive.*key\.csv"
    ) as error:
        build_cohort(clinic, key)
    assert "9999999" not in str(error.value)
