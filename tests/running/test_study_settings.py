"""Settings against each other and against what is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from faircmr.core import InvalidParameterError
from faircmr.datasets import PERMITTED
from faircmr.running import check_places
from faircmr.running.configuration import FILES, FOLDERS, READ_FOLDERS, StudySettings


def test_previews_are_those_of_the_data_sets() -> None:
    assert StudySettings.model_fields["previews"].annotation.__args__ == tuple(PERMITTED)  # type: ignore[union-attr]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_file_is_no_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").touch()

    with pytest.raises(InvalidParameterError, match=f"{name}: a file; a folder"):
        check_places({name: "table.csv"}, tmp_path)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_is_no_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match=f"{name}: a folder; a file"):
        check_places({name: str(tmp_path)}, tmp_path)


@pytest.mark.parametrize("study", ["scans", "scans/study", "./scans/../scans/study", "linked/study"])
@pytest.mark.parametrize("name", READ_FOLDERS)
def test_a_study_is_not_among_the_scans(name: str, study: str, tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "scans")

    with pytest.raises(InvalidParameterError, match=f"data_root: inside of {name};"):
        check_places({"data_root": study, name: str(tmp_path / "scans")}, tmp_path)


@pytest.mark.parametrize("scans", ["study/01_raw/scans", "other", "study-2", None])
@pytest.mark.parametrize("name", READ_FOLDERS)
def test_scans_are_in_the_study_or_elsewhere(name: str, scans: str | None, tmp_path: Path) -> None:
    check_places({"data_root": "study", name: scans}, tmp_path)


def test_what_is_not_there_yet_is_not_judged(tmp_path: Path) -> None:
    check_places(dict.fromkeys((*FOLDERS, *FILES), "new") | {"data_root": "study"}, tmp_path)
