"""The log file: there when there is something to log, gone when it cannot be."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from faircmr.running.log_file import LogFile, log_to_file


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
