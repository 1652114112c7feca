"""Messages of a rank arrive unchanged in the parent process."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import FaircmrError, InvalidModelError, OutputError
from faircmr.segmentation.training import CrashError, error_message, read_message
from faircmr.segmentation.training.records import EpochReport, WarningMessage, epoch_message, warning_message


@given(
    st.builds(
        EpochReport,
        name=st.text(),
        epoch=st.integers(1, 1000),
        epochs=st.integers(1, 1000),
        loss=st.floats(allow_nan=False),
        validation_dsc=st.none() | st.floats(0, 1),
        seconds_left=st.floats(0, 1e9),
    )
)
def test_an_epoch_comes_back(report: EpochReport):
    line = epoch_message(report)

    assert "\n" not in line
    assert read_message(line) == report


@given(st.text())
def test_a_warning_comes_back(text: str):
    line = warning_message(text)

    assert "\n" not in line
    assert read_message(line) == WarningMessage(text)


@pytest.mark.parametrize("kind", [FaircmrError, InvalidModelError, OutputError])
def test_an_expected_error_comes_back_in_its_class_and_words(kind: type[FaircmrError]):
    error = read_message(error_message(kind("fit", 7, "at most 4; never more", "lower it")))

    assert type(error) is kind
    assert str(error) == "fit: 7; at most 4; never more; lower it"


def test_of_an_error_that_nobody_expected_only_the_type_is_told():
    error = read_message(error_message(ValueError("/data/patient-4711.nii.gz")))

    assert isinstance(error, CrashError)
    assert str(error) == "ValueError"


@pytest.mark.parametrize(
    "line", ["", "a warning", "[1, 2]", '{"epoch": {"loss": 1}}', '{"error": "None", "parts": [1]}']
)
def test_what_others_print_is_no_message(line: str):
    assert read_message(line) is None


@pytest.mark.parametrize("name", ["Path", "annotations", "NoSuchError"])
def test_an_error_is_of_the_one_family_or_no_message(name: str):
    assert read_message(f'{{"error": "{name}", "parts": ["a", "b", "c", "d"]}}') is None
