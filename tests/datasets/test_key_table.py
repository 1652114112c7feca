"""The table of keys has one writer at a time, and no key is lost between two of them."""

import stat
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from faircmr.core import OutputError
from faircmr.core.host import lease
from faircmr.core.study import assign_keys
from faircmr.datasets import key_table
from faircmr.datasets.key_table import read_keys, updated_keys

FIRST = {"7234501": "a/1.nii.gz"}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "01_raw" / "key.csv"


def update(table: Path, paths: dict[str, str]) -> pd.DataFrame:
    return updated_keys(table, partial(assign_keys, paths=paths))


def test_keys_are_kept_and_new_subjects_get_the_next(table: Path):
    update(table, FIRST)
    found = update(table, FIRST | {"1": "b/1.nii.gz"})

    assert found["subject_id"].tolist() == ["sub-0001", "sub-0002"]
    assert found["source_id"].tolist() == ["7234501", "1"]
    pd.testing.assert_frame_equal(read_keys(table), found)
    assert stat.S_IMODE(table.stat().st_mode) == 0o600


def test_a_table_that_says_the_same_is_left_alone_and_may_be_held_by_another(table: Path):
    update(table, FIRST)
    written = table.stat().st_mtime_ns

    with lease(table, "keys"):
        update(table, FIRST)

    assert table.stat().st_mtime_ns == written


def test_of_two_who_name_subjects_at_once_neither_loses_a_key(table: Path):
    others = [{"1": "b/1.nii.gz"}]

    def name(known: pd.DataFrame) -> pd.DataFrame:
        keys = assign_keys(known, FIRST)
        while others:  # another process, after this one has read the table
            update(table, others.pop())
        return keys

    found = updated_keys(table, name)

    assert dict(zip(found["source_id"], found["subject_id"], strict=True)) == {"1": "sub-0001", "7234501": "sub-0002"}
    pd.testing.assert_frame_equal(read_keys(table), found)


def test_who_is_not_done_for_long_is_named(table: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(key_table, "PATIENCE", 0.2)

    with lease(table, "keys"), pytest.raises(OutputError, match=r"key\.csv: being written by process \d+ on"):
        update(table, FIRST)

    assert not table.exists()
