"""A file's name gives its subject and phase, or is refused without being quoted."""

import pytest

from faircmr.core import InvalidCohortError
from faircmr.core.user_input import fitting_pattern, subject_and_phase

PATTERN = r"(?P<subject>.+?)(?:_(?P<phase>ED|ES))?"


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("patient001_ED.nii.gz", PATTERN, ("patient001", "ED")),
        ("/a/b/sub-1_x.nii", PATTERN, ("sub-1_x", "")),
        ("C:\\masks\\p7_ES.nii.gz", PATTERN, ("p7", "ES")),
        ("ukb_12_frame03.nii.gz", r"ukb_(?P<subject>\d+)_frame\d+", ("12", "")),
    ],
)
def test_reads_subject_and_phase(name: str, pattern: str, expected: tuple[str, str]):
    assert subject_and_phase(name, pattern, "case_pattern") == expected


def test_a_name_that_is_not_read_is_not_quoted():
    permitted = r"not read; names that match .*; set audit_columns\.case_pattern"
    with pytest.raises(InvalidCohortError, match=permitted) as error:
        subject_and_phase("John_Doe.nii.gz", r"(?P<subject>\d+)", "audit_columns.case_pattern")
    assert "Doe" not in str(error.value)


@pytest.mark.parametrize("suffix", [".nii.gz", ".NII.GZ", ".Nii", ".MHA", ".nrrd", ""])
def test_a_suffix_of_an_image_is_no_part_of_an_id_in_any_case(suffix: str):
    assert subject_and_phase(f"patient001_ED{suffix}", PATTERN, "case_pattern") == ("patient001", "ED")


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        ([], ["a"]),
        (["a_1.nii"], []),
        (["x_1.nii", "y_1.nii"], ["a", "b"]),
        # what follows the ids is different for each: it may be names
        (["a_Mueller.nii", "b_Schmidt.nii"], ["a", "b"]),
    ],
)
def test_no_pattern_is_made_up(names: list[str], ids: list[str]):
    assert fitting_pattern(names, ids) is None
