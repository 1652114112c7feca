"""What a receipt says of files and folders, and when it says nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from kedro.io import AbstractDataset, MemoryDataset

from faircmr.core import OutputError
from faircmr.incremental import files_of, path_of
from faircmr.incremental.receipts import Key, key_of, remove_receipt, write_receipt

KEY = Key(data="d", code="c")


class Somewhere(AbstractDataset[Any, Any]):
    """A data set that says no more than most of Kedro's."""

    def __init__(self, path: Path) -> None:
        self._filepath = path

    def load(self) -> Any: ...

    def save(self, data: Any) -> None: ...

    def _describe(self) -> dict[str, Any]:
        return {}


class Document(Somewhere):
    """A data set that a person may edit."""

    edits_count = True


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "scores.parquet"
    path.write_text("whole")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tensors" / "below").mkdir(parents=True)
    for name in ("one", "below/two"):
        (tmp_path / "tensors" / name).write_text(name)
    return tmp_path / "tensors"


def test_a_file_has_its_receipt_beside_it(table: Path) -> None:
    assert key_of(Somewhere(table)) is None

    write_receipt(Somewhere(table), KEY)

    assert key_of(Somewhere(table)) == KEY
    assert sorted(path.name for path in table.parent.iterdir()) == ["scores.parquet", "scores.parquet.receipt.json"]


def test_a_folder_has_its_receipt_inside_and_the_receipt_does_not_list_itself(folder: Path) -> None:
    write_receipt(Somewhere(folder), KEY)
    write_receipt(Somewhere(folder), KEY)

    assert key_of(Somewhere(folder)) == KEY
    (folder / "receipt.json").write_text((folder / "receipt.json").read_text() + "\n")
    assert key_of(Somewhere(folder)) == KEY


@pytest.mark.parametrize("name", ["one", "below/two"])
def test_a_file_that_is_missing_or_of_another_size_makes_it_void(folder: Path, name: str) -> None:
    write_receipt(Somewhere(folder), KEY)

    (folder / name).write_text("longer than before")
    assert key_of(Somewhere(folder)) is None
    (folder / name).unlink()
    assert key_of(Somewhere(folder)) is None


def test_a_file_in_json_is_compared_by_its_content_and_by_its_size_in_older_receipts(folder: Path) -> None:
    (folder / "manifest.json").write_text('{"code": "a"}')
    write_receipt(Somewhere(folder), KEY)
    (folder / "manifest.json").write_text('{"code": "b"}')
    assert key_of(Somewhere(folder)) is None

    receipt = folder / "receipt.json"
    content = json.loads(receipt.read_text())
    content["files"]["manifest.json"] = len('{"code": "b"}')
    receipt.write_text(json.dumps(content))

    assert key_of(Somewhere(folder)) == KEY


def test_leases_and_what_is_being_written_are_no_content(folder: Path) -> None:
    write_receipt(Somewhere(folder), KEY)
    before = (folder / "receipt.json").read_text()
    for name in (".one.lease", "below/.0123abcd-7-two"):
        (folder / name).touch()

    assert [file.name for file in files_of(Somewhere(folder))] == ["two", "one", "receipt.json"]
    write_receipt(Somewhere(folder), KEY)
    assert (folder / "receipt.json").read_text() == before


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"files": {}, "key": {}}', '{"files": 3, "key": 4}', "\xff"])
def test_what_is_no_receipt_counts_as_none(table: Path, content: str) -> None:
    table.with_name("scores.parquet.receipt.json").write_text(content, encoding="latin-1")

    assert key_of(Somewhere(table)) is None


def test_a_document_has_another_key_for_each_thing_that_somebody_makes_of_it(table: Path) -> None:
    write_receipt(Document(table), KEY)
    assert key_of(Document(table)) == KEY

    edits = []
    for content in ("WHOLE", "half", "whole"):
        table.write_text(content)
        edits.append(key_of(Document(table)))

    assert edits[-1] == KEY
    assert len(set(edits)) == 3
    assert [(one.made_from, one.code, one.edited) for one in edits if one] == [
        ("d", "c", True),
        ("d", "c", True),
        ("d", "c", False),
    ]
    table.unlink()
    assert key_of(Document(table)) is None


def test_moves_with_its_files(folder: Path) -> None:
    write_receipt(Somewhere(folder), KEY)

    assert key_of(Somewhere(folder.rename(folder.with_name("moved")))) == KEY


def test_removing_it_leaves_the_files(table: Path) -> None:
    write_receipt(Somewhere(table), KEY)
    remove_receipt(Somewhere(table))
    remove_receipt(Somewhere(table))

    assert list(table.parent.iterdir()) == [table]


def test_says_what_to_do_where_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError, match="choose another data_root"):
        remove_receipt(Somewhere(tmp_path / "file" / "table.csv"))


def test_data_in_memory_has_none() -> None:
    memory = MemoryDataset(3)

    write_receipt(memory, KEY)
    remove_receipt(memory)

    assert key_of(memory) is None
    assert files_of(memory) == []
    assert path_of(memory) is None
