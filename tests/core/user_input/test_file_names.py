import pytest

from faircmr.core.user_input import copies, has_suffix, is_clutter, named, nifti_by_stem, nifti_stem
from faircmr.core.user_input.file_names import stem_before, table_suffix


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".NII", ".NII.GZ", ".Nii.Gz", ".nii.GZ"])
def test_any_case_of_both_suffixes_is_nifti(suffix: str) -> None:
    assert nifti_stem(f"patient001_ED{suffix}") == "patient001_ED"


@pytest.mark.parametrize(
    "name", ["", ".nii", ".nii.gz", "scan.gz", "scan.nii.bak", "scan.nrrd", "._scan.nii.gz", ".hidden.nii", "__MACOSX"]
)
def test_other_names_and_clutter_are_not_nifti(name: str) -> None:
    assert nifti_stem(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [(".DS_Store", True), ("._a.nii", True), ("__MACOSX", True), ("__macosx", True), ("a.nii", False), ("_a", False)],
)
def test_clutter_is_hidden_or_of_macos(name: str, *, expected: bool) -> None:
    assert is_clutter(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("people.csv", True), ("People.CSV", True), ("._people.csv", False), ("people.csv.bak", False), ("a.tsv", True)],
)
def test_a_suffix_counts_in_any_case_and_not_of_clutter(name: str, *, expected: bool) -> None:
    assert has_suffix(name, (".csv", ".tsv")) is expected


def test_the_longer_suffix_is_taken_off() -> None:
    assert stem_before("a.MHA", (".nii.gz", ".mha")) == "a"
    assert stem_before("a.b.NII.gz", (".nii.gz", ".nii")) == "a.b"


def test_two_files_of_one_stem_are_copies() -> None:
    found = nifti_by_stem(["a.nii", "b.nii", "a.NII.GZ", "._a.nii", "a.txt", "B.nii"])

    assert found == {"a": ("a.NII.GZ", "a.nii"), "b": ("b.nii",), "B": ("B.nii",)}
    assert copies(found) == 1


def test_fixed_names_are_found_in_any_case() -> None:
    assert named(["INFO.CFG", "Info.cfg", "info.cfg.bak"], "Info.cfg") == ("INFO.CFG", "Info.cfg")
    assert named(["a"], "Info.cfg") == ()


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("people.csv", ".csv"),
        ("PEOPLE.CSV", ".csv"),
        ("a.b.Parquet", ".parquet"),
        ("people.csv.gz", None),
        ("csv", None),
    ],
)
def test_a_table_is_known_by_its_suffix_in_any_case(name: str, suffix: str | None):
    assert table_suffix(name) == suffix
