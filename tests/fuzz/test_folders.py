"""What stands in the place of a file may be a link, a pipe or a folder: nothing hangs, nothing is written."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.fuzz.examining import Examiner
from tests.fuzz.readers import READERS
from tests.sources.dicom.written import SECRET

every_reader = pytest.mark.parametrize("name", READERS)


@pytest.fixture(autouse=True)
def impatience() -> Iterator[None]:
    """An error in the place of a hang."""

    def give_up(*signal_and_frame: object) -> None:
        raise TimeoutError("read for 60 seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


def for_every_file(change: Callable[[Path], object]) -> Callable[[Path], None]:
    def change_all(root: Path) -> None:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            content = path.read_bytes()
            path.unlink()
            change(path)
            if path.is_symlink() and not path.exists():
                path.resolve().write_bytes(content)

    return change_all


@every_reader
def test_links_to_files_are_read_and_never_written_through(name: str, tmp_path: Path, outside: Path):
    examiner, tree = Examiner(READERS[name], tmp_path / "study"), READERS[name].seeds[0]()
    whole = examiner.examine(tree)

    linked = examiner.examine(
        tree, for_every_file(lambda path: path.symlink_to(outside / path.as_posix().replace("/", "_")))
    )

    assert linked.fault == ""
    assert linked.signature == whole.signature
    assert sorted(path.read_bytes() for path in outside.iterdir()) == sorted(tree.values())


def pipe(path: Path) -> None:
    os.mkfifo(path)


def circle(path: Path) -> None:
    path.symlink_to(path)


def folder(path: Path) -> None:
    (path / SECRET).mkdir(parents=True)


@every_reader
@pytest.mark.parametrize("place", [pipe, circle, folder])
def test_what_is_no_file_is_refused_or_passed_over(name: str, place: Callable[[Path], None], tmp_path: Path):
    examiner, tree = Examiner(READERS[name], tmp_path), READERS[name].seeds[0]()

    # Sunnybrook has many alike
    for chosen in sorted(tree)[:: 1 + len(tree) // 8]:
        outcome = examiner.examine(tree, lambda root, chosen=chosen: replace(root / chosen, place))
        assert outcome.fault == ""


def replace(path: Path, place: Callable[[Path], None]) -> None:
    path.unlink()
    place(path)


@every_reader
def test_folders_that_hold_themselves_end(name: str, tmp_path: Path):
    examiner = Examiner(READERS[name], tmp_path)

    outcome = examiner.examine(
        READERS[name].seeds[0](), lambda root: (root / "again").symlink_to(root, target_is_directory=True)
    )

    assert outcome.fault == ""
