"""Files are whole or absent, whatever happens while they are written."""

import os
import stat
from pathlib import Path

import pytest

from faircmr.core.errors import OutputError
from faircmr.core.files import PRIVATE, check_is_file, remove, write_whole


def test_makes_the_folders_above_the_file(tmp_path):
    write_whole(tmp_path / "a" / "b" / "scan.nii.gz", b"new")

    assert (tmp_path / "a" / "b" / "scan.nii.gz").read_bytes() == b"new"


def test_keeps_the_old_content_where_moving_into_place_fails(tmp_path, monkeypatch):
    file = tmp_path / "table.csv"
    file.write_bytes(b"old")

    def refuse(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(OutputError, match="No space left on device"):
        write_whole(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_names_the_folder_and_not_the_file_that_cannot_be_written(tmp_path):
    (tmp_path / "folder").write_text("a file")

    with pytest.raises(OutputError, match=r"folder .*folder: .*; a folder that can be written") as error:
        write_whole(tmp_path / "folder" / "7234567.nii.gz", b"new")
    assert "7234567" not in str(error.value)


def test_writes_a_private_file_for_its_owner_alone(tmp_path):
    write_whole(tmp_path / "key.csv", b"", PRIVATE)

    assert stat.S_IMODE((tmp_path / "key.csv").stat().st_mode) == 0o600


def test_removes_a_file_and_does_not_mind_its_absence(tmp_path):
    (tmp_path / "old").write_text("")

    remove(tmp_path / "old")
    remove(tmp_path / "old")

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
