"""What takes long to make is made once for all test processes of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.made_once import made_once


@dataclass
class Folders:
    """Pytest's folders of one test process."""

    own: Path

    def getbasetemp(self) -> Path:
        return self.own


def processes(run: Path, count: int) -> list[Any]:
    """Folders of some test processes of one run, as pytest-xdist lays them out."""
    folders = [Folders(run / f"popen-gw{number}") for number in range(count)]
    for folder in folders:
        folder.own.mkdir(parents=True)
    return folders


def write(folder: Path) -> None:
    folder.mkdir()
    (folder / "made.txt").touch()


def refuse(folder: Path) -> None:
    folder.mkdir()
    raise ValueError(folder.name)


def test_the_second_process_gets_what_the_first_has_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    first, second = processes(tmp_path, 2)

    made = made_once(first, "study", write)

    assert (made / "made.txt").is_file()
    assert made_once(second, "study", refuse) == made


def test_another_run_makes_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    (first,), (second,) = processes(tmp_path / "a", 1), processes(tmp_path / "b", 1)

    assert made_once(first, "study", write) != made_once(second, "study", write)


def test_a_process_that_is_alone_keeps_it_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    (alone,) = processes(tmp_path, 1)

    assert made_once(alone, "study", write) == alone.own / "study"


def test_what_could_not_be_made_is_nothing_half_made_and_is_tried_again(tmp_path: Path):
    (process,) = processes(tmp_path, 1)
    with pytest.raises(ValueError, match="unfinished"):
        made_once(process, "study", refuse)

    assert (made_once(process, "study", write) / "made.txt").is_file()
