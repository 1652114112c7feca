"""Whose data Kedro-Viz may look into, and what of it is seen."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import pandas as pd
import pytest
from kedro.io import AbstractDataset

import faircmr.datasets
from faircmr.core import InvalidParameterError
from faircmr.core.study import KEY_COLUMNS
from faircmr.datasets import BytesDataset, TableDataset, TextDataset, UserTableDataset, WorkFolderDataset
from faircmr.datasets.key_table import write_keys
from faircmr.datasets.previews import ROWS

LOOK = ("<table", "<img", "<pre")
PEOPLE = pd.DataFrame(
    {"subject_id": [f"sub-{number:04d}" for number in range(20)], "group": "A", "spacing_row_mm": 1.5}
)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of two generated people, with a table."""
    scans = tmp_path / "01_raw" / "scans"
    scans.mkdir(parents=True)
    names = [
        f"{who}_{phase}{what}.nii.gz" for who in ("A0001", "B0001") for phase in ("ED", "ES") for what in ("", "_label")
    ]
    (scans / "manifest.json").write_text(json.dumps(dict.fromkeys(names, 1)))
    write_key_table(tmp_path, ["A0001", "B0001"])
    table_of(tmp_path).save(PEOPLE)
    return tmp_path


def write_key_table(study: Path, source_ids: list[str]) -> None:
    rows = [(f"sub-{number:04d}", who, f"{who}_ED.nii.gz") for number, who in enumerate(source_ids, 1)]
    write_keys(study / "01_raw" / "key.csv", pd.DataFrame(rows, columns=[*KEY_COLUMNS]))


def table_of(study: Path) -> TableDataset:
    return TableDataset(str(study / "03_primary" / "subjects.csv"))


def is_shown(study: Path, show: str = "synthetic") -> bool:
    return any(part in table_of(study).preview("Who takes part.", show) for part in LOOK)


# --- who ---


def test_generated_people_are_shown(study: Path):
    assert is_shown(study)


@pytest.mark.parametrize("everybody", [["A0001", "B0001", "7234501"], ["7234501"], []], ids=["one more", "one", "none"])
def test_a_study_with_anybody_else_in_it_is_not_shown(study: Path, everybody: list[str]):
    write_key_table(study, everybody)

    assert not is_shown(study)


@pytest.mark.parametrize("name", ["01_raw/key.csv", "01_raw/scans/manifest.json"])
@pytest.mark.parametrize("content", [None, b"", b"[]", b"\xff\x00"], ids=["gone", "empty", "something else", "noise"])
def test_a_study_that_cannot_be_told_is_not_shown(study: Path, name: str, content: bytes | None):
    (study / name).unlink() if content is None else (study / name).write_bytes(content)

    assert not is_shown(study)


def test_people_are_shown_to_who_asks_and_nobody_to_who_forbids(study: Path):
    write_key_table(study, ["7234501"])

    assert is_shown(study, "everybody")
    write_key_table(study, ["A0001"])
    assert not is_shown(study, "nobody")


def test_nobody_is_shown_who_was_not_asked_for(study: Path):
    assert table_of(study).preview() == "<p>A table without index, written whole.</p>"


def test_another_word_is_refused(study: Path):
    with pytest.raises(InvalidParameterError, match="previews: 'all'; one of: synthetic, everybody, nobody"):
        table_of(study).preview("Who takes part.", "all")


# --- what ---


def test_a_table_is_shown_by_its_first_rows_without_the_names_of_subjects(study: Path):
    shown = table_of(study).preview("Who takes part.", "synthetic")

    assert shown.startswith("<p>Who takes part.</p><p>20 rows, 2 columns; the first rows:</p><table")
    assert shown.count("<tr") == 1 + ROWS
    assert "sub-" not in shown
    # in what it shows, Kedro-Viz takes all of these for Markdown
    assert not set("_*\n") & set(shown)


def test_what_names_a_subject_all_the_same_is_not_shown(study: Path):
    table_of(study).save(pd.DataFrame({"reason": ["scan of sub-0001 is empty"]}))

    assert not is_shown(study)


def test_cells_are_text_and_not_markup(study: Path):
    table_of(study).save(pd.DataFrame({"group": ["<script>alert(1)</script>"]}))

    assert "<script" not in table_of(study).preview("", "synthetic")


def test_a_damaged_file_is_described_all_the_same(study: Path):
    (study / "03_primary" / "subjects.csv").write_bytes(b"")

    assert table_of(study).preview("Who takes part.", "synthetic") == "<p>Who takes part.</p>"


def test_figures_are_shown_and_pages_are_not(study: Path):
    svg = TextDataset(str(study / "08_reporting" / "demographics.svg"))
    png = BytesDataset(str(study / "08_reporting" / "gallery.png"))
    page = TextDataset(str(study / "08_reporting" / "report.html"))
    svg.save("<svg/>")
    png.save(b"\x89PNG")
    page.save("<html></html>")

    assert 'src="data:image/svg+xml;base64,PHN2Zy8+"' in svg.preview("Fig. 2", "synthetic")
    assert 'src="data:image/png;base64,iVBORw=="' in png.preview("Somebody of each group", "synthetic")
    assert page.preview("The page", "synthetic") == "<p>The page</p>"


def test_what_is_not_there_is_described(study: Path):
    assert TableDataset(str(study / "no.csv")).preview("Later.", "synthetic") == "<p>Later.</p>"


def test_every_kind_of_data_set_can_be_described():
    exported = [getattr(faircmr.datasets, name) for name in faircmr.datasets.__all__]
    kinds = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, AbstractDataset)]

    assert kinds
    # Kedro-Viz goes by the name of what is returned
    assert {inspect.signature(kind.preview).return_annotation for kind in kinds} == {"HTMLPreview"}


def test_a_description_of_a_class_is_free_of_its_markup():
    people = UserTableDataset("people.csv", "audit_demographics")
    work = WorkFolderDataset("work", "model")

    assert people.preview() == "<p>A table in CSV (UTF-8) or Parquet.</p>"
    assert ":" not in work.preview()


def test_no_path_that_is_told_is_absolute(study: Path, monkeypatch: pytest.MonkeyPatch):
    place = table_of(study)
    assert place._describe() == {"filepath": f"{study.name}/03_primary/subjects.csv"}

    monkeypatch.chdir(study)
    assert place._describe() == {"filepath": "03_primary/subjects.csv"}
