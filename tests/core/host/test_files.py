"""Files are whole or absent, whatever happens while they are written."""

import os
import stat
from pathlib import Path

import pytest

from faircmr.core import OutputError
from faircmr.core.host import PRIVATE, check_is_file, files, is_content, remove_durably, sync_folder, write_atomically
from faircmr.core.host.processes import pid_namespace_digest


def test_makes_the_folders_above_the_file(tmp_path):
    write_atomically(tmp_path / "a" / "b" / "scan.nii.gz", b"new")

    assert (tmp_path / "a" / "b" / "scan.nii.gz").read_bytes() == b"new"


def test_keeps_the_old_content_where_moving_into_place_fails(tmp_path, monkeypatch):
    file = tmp_path / "table.csv"
    file.write_bytes(b"old")

    def refuse(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(OutputError, match="No space left on device"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_names_the_folder_and_not_the_file_that_cannot_be_written(tmp_path):
    (tmp_path / "folder").write_text("a file")

    with pytest.raises(OutputError, match=r"folder .*folder: .*; a folder that can be written") as error:
        write_atomically(tmp_path / "folder" / "7234567.nii.gz", b"new")
    assert "7234567" not in str(error.value)


def test_writes_a_private_file_for_its_owner_alone(tmp_path):
    write_atomically(tmp_path / "key.csv", b"", PRIVATE)

    assert stat.S_IMODE((tmp_path / "key.csv").stat().st_mode) == 0o600


def test_removes_a_file_and_does_not_mind_its_absence(tmp_path):
    (tmp_path / "old").write_text("")

    remove_durably(tmp_path / "old")
    remove_durably(tmp_path / "old")

    assert list(tmp_path.iterdir()) == []


def test_a_pipe_and_a_folder_are_no_files_and_a_link_is_what_it_leads_to(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe")

    check_is_file(tmp_path / "file")
    check_is_file(tmp_path / "link")
    for absent in ("absent", "dangling"):
        with pytest.raises(FileNotFoundError):
            check_is_file(tmp_path / absent)
    for other in ("pipe", "."):
        with pytest.raises(OSError, match=r"^$"):
            check_is_file(tmp_path / other)


def test_a_file_is_on_the_disk_before_its_name_and_its_name_before_anybody_goes_on(tmp_path, monkeypatch):
    """Without either, a power cut may leave a whole name with nothing in it, or bring the old file back."""
    done = []
    fsync, replace, unlink = os.fsync, os.replace, os.unlink

    def sync(number):
        is_folder = stat.S_ISDIR(os.fstat(number).st_mode)
        done.append("folder" if is_folder else f"file of {os.fstat(number).st_size} bytes")
        fsync(number)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("named"), replace(*paths)))
    monkeypatch.setattr(os, "unlink", lambda path: (done.append("removed"), unlink(path)))

    write_atomically(tmp_path / "table.csv", b"12345")
    assert done[:3] == ["file of 5 bytes", "named", "folder"]
    done.clear()
    remove_durably(tmp_path / "table.csv")
    assert done == ["removed", "folder"]


@pytest.mark.parametrize(("number", "minded"), [(22, False), (95, False), (5, True), (28, True)])
def test_a_file_system_may_do_without_the_fsync_of_folders_and_tells_of_no_other_failure_in_vain(
    tmp_path, monkeypatch, number, minded
):
    def refuse(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)

    if minded:
        with pytest.raises(OSError, match=os.strerror(number)):
            sync_folder(tmp_path)
    else:
        sync_folder(tmp_path)


@pytest.fixture
def unswept(monkeypatch):
    monkeypatch.setattr(files, "_swept", set())


@pytest.mark.usefixtures("unswept")
def test_what_killed_writers_left_goes_and_what_is_being_written_stays(tmp_path):
    elsewhere = "0000beef" if pid_namespace_digest() != "0000beef" else "beef0000"
    ended = 2**22 + 1  # more than the largest process number, see proc(5)
    left = [f".{pid_namespace_digest()}-{ended}-scores.parquet", f".{elsewhere}-7-plans.json"]
    stays = [
        f".{elsewhere}-8-plans.json",
        f".{pid_namespace_digest()}-{os.getppid()}-plans.json",
        ".2021-notes",
        "scores.parquet",
    ]
    for name in (*left, *stays):
        (tmp_path / name).touch()
    os.utime(tmp_path / left[1], (0, 0))

    write_atomically(tmp_path / "table.csv", b"")

    assert {path.name for path in tmp_path.iterdir()} == {*stays, "table.csv"}


def test_what_is_hidden_is_no_content(tmp_path):
    assert is_content(tmp_path / "seed-0" / "fit.json", tmp_path)
    for hidden in (".fit.json.lease", ".incoming/fit.json"):
        assert not is_content(tmp_path / hidden, tmp_path)
