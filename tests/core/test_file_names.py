import pytest

from faircmr.core.file_names import is_clutter, nifti_stem


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
