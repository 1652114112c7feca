"""Tables of another study: read where it is named or linked, and never written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from faircmr.core import InvalidParameterError
from faircmr.datasets import OtherStudyTableDataset


def dataset(folder: Path, named: str | None = "data/other") -> OtherStudyTableDataset:
    return OtherStudyTableDataset(str(folder / "table2.csv"), named)


def test_reads_the_table_as_the_other_study_wrote_it(tmp_path: Path):
    (tmp_path / "table2.csv").write_text("strategy,A\nNA,91.5\n")

    pd.testing.assert_frame_equal(dataset(tmp_path).load(), pd.DataFrame({"strategy": ["NA"], "A": [91.5]}))
    assert dataset(tmp_path).exists()


def test_is_empty_where_no_study_is_named(tmp_path: Path):
    assert dataset(tmp_path, named=None).load().empty
    assert not dataset(tmp_path, named=None).exists()


def test_a_study_that_is_named_must_have_been_evaluated(tmp_path: Path):
    with pytest.raises(DatasetError) as raised:
        dataset(tmp_path).load()

    assert isinstance(raised.value.__cause__, InvalidParameterError)
    assert "compare_root: no table2.csv" in str(raised.value.__cause__)
    assert str(tmp_path) not in str(raised.value.__cause__)


def test_its_key_changes_with_the_table(tmp_path: Path):
    before = dataset(tmp_path).fingerprint()
    (tmp_path / "table2.csv").write_text("strategy,A\n")

    assert dataset(tmp_path).fingerprint() != before
    assert dataset(tmp_path).files() == []


def test_is_never_written(tmp_path: Path):
    with pytest.raises(DatasetError, match="compare_root is read only"):
        dataset(tmp_path).save(pd.DataFrame())  # type: ignore[arg-type]
