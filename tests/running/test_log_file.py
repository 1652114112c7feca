"""The log file: there when there is something to log, gone when it cannot be."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from kedro.pipeline import node

from faircmr.core import InvalidScanError
from faircmr.running import LogFile
from faircmr.running.logs import log_to_file


@pytest.fixture(autouse=True)
def root_as_before() -> Iterator[None]:
    yield
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, LogFile)]:
        root.removeHandler(handler)
        handler.close()


def test_is_made_with_its_folder_when_something_is_logged(tmp_path: Path) -> None:
    log_to_file(tmp_path)
    assert list(tmp_path.iterdir()) == []

    logging.getLogger("faircmr.test").warning("something")

    assert "WARNING faircmr.test: something" in (tmp_path / "logs" / "faircmr.log").read_text()


def test_is_written_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    assert log_to_file(tmp_path) is log_to_file(tmp_path)


def test_of_two_projects_the_later_has_it(tmp_path: Path) -> None:
    log_to_file(tmp_path / "one")
    log_to_file(tmp_path / "two")

    logging.getLogger("faircmr.test").warning("something")

    assert [path.name for path in tmp_path.iterdir()] == ["two"]


def test_a_project_that_cannot_be_written_runs_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("not a folder")
    handler = log_to_file(tmp_path)

    logging.getLogger("faircmr.test").warning("something")

    assert handler not in logging.getLogger().handlers
    assert "Traceback" not in capsys.readouterr().err


PLACE = "/scans/7654321_Doe/image.nii.gz"


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (FileNotFoundError(2, "No such file", PLACE), "failed with error: \nFileNotFoundError"),
        (ValueError(f"cannot read {PLACE}"), "failed with error: \nValueError"),
        (InvalidScanError("sub-0001 ED", "empty", "a scan", "mend it"), "sub-0001 ED: empty; a scan; mend it"),
    ],
)
def test_the_text_of_an_error_that_nobody_expects_is_not_logged(tmp_path: Path, error: Exception, logged: str) -> None:
    """Kedro logs the text of every error of a node; that of other libraries may name a person."""

    def fails() -> None:
        raise error

    log_to_file(tmp_path)

    with pytest.raises(type(error)):
        node(fails, None, "output").run()

    text = (tmp_path / "logs" / "faircmr.log").read_text()
    assert logged in text
    assert PLACE not in text
