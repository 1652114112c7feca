"""Errors that a user can mend become one line; all others stay what they are."""

from __future__ import annotations

import errno
import os
from itertools import pairwise
from pathlib import Path

import click
import pytest
import yaml
from kedro.io import DatasetError
from kedro.validation.exceptions import ParameterValidationError
from pydantic import ValidationError

from faircmr.core import InvalidScanError, OutputError, Parameters
from faircmr.running.logs import FAILURES_OF_MACHINE, expected_error, one_clear_line

SCAN = InvalidScanError("sub-0001 ED", "truncated", "a whole file", "mend it")


class Model(Parameters):
    epochs: int


def raised_from(*errors: Exception) -> Exception:
    """The last of several errors, each raised because of the one before."""
    for cause, effect in pairwise(errors):
        effect.__cause__ = cause
    return errors[-1]


def test_finds_an_expected_error_in_whatever_was_raised_because_of_it() -> None:
    assert expected_error(raised_from(SCAN, DatasetError("x"), DatasetError("y"))) is SCAN


def test_finds_an_expected_error_in_what_was_raised_while_handling_it() -> None:
    cleaning_up = DatasetError("cleaning up failed")
    cleaning_up.__context__ = SCAN
    assert expected_error(cleaning_up) is SCAN

    cleaning_up.__suppress_context__ = True
    assert expected_error(cleaning_up) is None


def test_the_outermost_expected_error_counts() -> None:
    outer = OutputError("folder", "full", "space", "make some")

    assert expected_error(raised_from(SCAN, outer)) is outer


def test_a_model_that_refuses_its_values_is_expected() -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({"epochs": "five"})

    assert str(expected_error(raised_from(caught.value, DatasetError("x")))).startswith("Model.epochs: 'five'; ")


def test_kedros_own_complaint_about_parameters_is_expected() -> None:
    assert expected_error(ParameterValidationError("a\nb")) is not None


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), TypeError("x"), ValueError("x"), AttributeError("x"), IndexError("x"), AssertionError("x")],
    ids=repr,
)
def test_a_mistake_in_the_code_is_not_expected(error: Exception) -> None:
    assert expected_error(error) is None
    assert expected_error(raised_from(error, DatasetError("Failed while loading data"))) is None


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EINVAL, errno.EBADF, errno.EISDIR])
def test_nor_is_an_error_of_the_system_that_a_mistake_in_the_code_may_cause(number: int) -> None:
    assert expected_error(OSError(number, os.strerror(number))) is None


@pytest.mark.parametrize("number", sorted(FAILURES_OF_MACHINE))
def test_a_failure_of_the_machine_is_expected_and_names_no_path(number: int) -> None:
    error = OSError(number, os.strerror(number), "/data/0007-name/scan.nii.gz")

    told = expected_error(raised_from(error, DatasetError("Failed while saving data")))

    assert str(told).startswith(f"file system: {os.strerror(number)}; ")
    assert "0007" not in str(told)
    assert "logs/faircmr.log" in str(told)


def test_an_expected_error_comes_before_a_failure_of_the_machine_that_follows_it() -> None:
    assert expected_error(raised_from(PermissionError(errno.EACCES, "x"), SCAN)) is SCAN


def test_memory_that_is_used_up_is_expected() -> None:
    assert str(expected_error(MemoryError())).startswith("memory: used up; ")


@pytest.mark.parametrize("text", ["{x", "x: !!python/name:os.system", "a: *b"])
def test_yaml_that_cannot_be_read_is_expected(text: str) -> None:
    with pytest.raises(yaml.YAMLError) as caught:
        yaml.safe_load(text)

    assert str(expected_error(caught.value)).startswith("configuration")


def test_inside_a_command_it_becomes_one_line_and_the_traceback_goes_to_the_log(tmp_path: Path) -> None:
    text = "a path with 7234567 in it"  # not in the line that the traceback quotes

    with (
        click.Context(click.Command("run")),
        pytest.raises(click.ClickException) as caught,
        one_clear_line(tmp_path),
    ):
        raise DatasetError(text) from InvalidScanError("sub-0001 ED", "two\nlines", "a", "b")

    assert caught.value.message == "sub-0001 ED: two lines; a; b"
    log = (tmp_path / "logs" / "faircmr.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert "test_expected_errors.py" in log
    assert "InvalidScanError: sub-0001 ED" in log
    assert "DatasetError" in log
    assert "7234567" not in log


def test_a_mistake_passes_a_command_unchanged(tmp_path: Path) -> None:
    with click.Context(click.Command("run")), pytest.raises(KeyError), one_clear_line(tmp_path):
        raise KeyError("x")

    assert "KeyError" in (tmp_path / "logs" / "faircmr.log").read_text()


def test_outside_a_command_errors_pass_as_they_are(tmp_path: Path) -> None:
    with pytest.raises(DatasetError), one_clear_line(tmp_path):
        raise DatasetError("x") from SCAN

    assert list(tmp_path.iterdir()) == []
