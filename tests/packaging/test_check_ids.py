"""What may be a participant's id is found in whatever git tracks, and not quoted."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ID = str(3_000_000 + 141_592)


@pytest.fixture
def repository(tmp_path: Path, project_root: Path) -> Path:
    (tmp_path / "tools").mkdir()
    shutil.copy(project_root / "tools" / "check_ids.py", tmp_path / "tools")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def checked(repository: Path) -> subprocess.CompletedProcess[str]:
    subprocess.run(["git", "add", "--all"], cwd=repository, check=True)
    command = [sys.executable, "tools/check_ids.py"]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("table.csv", f"eid,sex\n{ID},1\n".encode()),
        ("code.py", f"excluded = {{{ID[0]}_{ID[1:4]}_{ID[4:]}}}\n".encode()),
        ("scans.txt", f"/mnt/{ID}_20209_2_0.zip".encode()),
        ("table.csv.gz", gzip.compress(f"{ID}\n".encode(), mtime=0)),
        (f"sub-{ID}.txt", b"nothing"),
        ("notebook.ipynb", f'{{"text": ["{ID}\\n"]}}'.encode()),
    ],
)
def test_finds_an_id_wherever_it_stands_and_does_not_say_it(repository: Path, name: str, content: bytes):
    (repository / name).write_bytes(content)

    found = checked(repository)

    assert found.returncode == 1
    assert ID not in found.stdout + found.stderr
    assert "Error: 1 numbers may be ids of participants; remove them" in found.stderr


@pytest.mark.parametrize("content", ["n = 1_000_000", "2500000 voxels", f"x = 0.{ID}", f"{ID}5", f"1{ID}", "7234567"])
def test_lets_other_numbers_be(repository: Path, content: str):
    (repository / "text.txt").write_text(content)

    assert checked(repository).returncode == 0


def test_looks_at_nothing_that_git_does_not_track(repository: Path):
    (repository / ".gitignore").write_text("data/\n")
    (repository / "data").mkdir()
    (repository / "data" / "key.csv").write_text(ID)

    assert checked(repository).returncode == 0
