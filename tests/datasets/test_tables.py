"""Tables come back as they were saved, are never half there, and are refused when damaged."""

import numpy as np
import pandas as pd
import pytest
from kedro.io import DatasetError

from faircmr.core import InvalidParameterError, InvalidSplitError, OutputError
from faircmr.core.study import SCORE_TYPES
from faircmr.datasets import OptionalTableDataset, TableDataset

TABLE = pd.DataFrame(
    {"subject_id": ["0000012", "1e5"], "protected_group": ["NA", "1"], "age": [61.123456789012345, None]}
)
SPLITS = pd.DataFrame({"subject_id": ["0000012", "0000013"], "split": ["train", "test"]})


def cause_of(call, *arguments):
    with pytest.raises(DatasetError) as error:
        call(*arguments)
    return error.value.__cause__


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_comes_back_as_it_was_saved(tmp_path, name):
    dataset = TableDataset(str(tmp_path / "new" / name))

    dataset.save(TABLE)

    pd.testing.assert_frame_equal(dataset.load(), TABLE)
    assert dataset.exists()
    assert dataset.files() == [tmp_path / "new" / name]


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_equal_tables_are_equal_bytes(tmp_path, name):
    for folder in ("first", "second"):
        TableDataset(str(tmp_path / folder / name)).save(TABLE)

    assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_says_what_to_do_with_a_damaged_table(tmp_path, name, damage):
    dataset = TableDataset(str(tmp_path / name))
    dataset.save(TABLE)
    damage(tmp_path / name)

    error = cause_of(dataset.load)

    assert isinstance(error, OutputError)
    assert str(error) == f"{name}: missing or damaged; a whole table; delete it and run its pipeline again"


def test_checks_its_schema_before_anything_is_written(tmp_path):
    dataset = TableDataset(str(tmp_path / "splits.csv"), schema="splits")

    assert isinstance(cause_of(dataset.save, pd.concat([SPLITS, SPLITS])), InvalidSplitError)
    assert not dataset.exists()


def test_checks_its_schema_at_loading_too(tmp_path):
    dataset = TableDataset(str(tmp_path / "splits.csv"), schema="splits")
    dataset.save(SPLITS)
    (tmp_path / "splits.csv").write_text("subject_id,split\nsub-0001,train\nsub-0001,test\n")

    assert isinstance(cause_of(dataset.load), InvalidSplitError)


def test_says_which_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")

    error = cause_of(TableDataset(str(tmp_path / "file" / "table.csv")).save, TABLE)

    assert isinstance(error, OutputError)
    assert "a folder that can be written" in str(error)


def test_refuses_a_suffix_and_a_schema_that_it_does_not_know():
    with pytest.raises(InvalidParameterError, match=r"table\.xlsx; a name that ends in \.csv or \.parquet"):
        TableDataset("table.xlsx")
    with pytest.raises(InvalidParameterError, match="schema: 'split'"):
        TableDataset("table.csv", schema="split")


def test_an_optional_table_that_is_not_there_is_empty_and_does_not_exist(tmp_path):
    dataset = OptionalTableDataset(str(tmp_path / "scores.parquet"), schema="scores")

    assert not dataset.exists()
    assert len(dataset.load()) == 0
    assert {name: str(kind) for name, kind in dataset.load().dtypes.items()} == SCORE_TYPES


def test_an_optional_table_that_is_damaged_is_an_error_and_not_empty(tmp_path):
    dataset = OptionalTableDataset(str(tmp_path / "scores.parquet"), schema="scores")
    (tmp_path / "scores.parquet").write_bytes(b"PAR1")

    assert isinstance(cause_of(dataset.load), OutputError)


def test_an_optional_table_that_is_there_is_a_table(tmp_path):
    dataset = OptionalTableDataset(str(tmp_path / "splits.csv"), schema="splits")

    dataset.save(SPLITS)

    assert dataset.exists()
    pd.testing.assert_frame_equal(dataset.load(), SPLITS)


def test_codes_with_zeros_in_front_stay_text_in_a_csv(tmp_path):
    dataset = TableDataset(str(tmp_path / "cohort.csv"))
    dataset.save(pd.DataFrame({"site": ["007", "07", "8"], "age": [58.0, np.nan, 61.0], "n": [10, 20, 30]}))

    found = dataset.load()

    assert found["site"].tolist() == ["007", "07", "8"]
    assert [str(kind) for kind in found.dtypes] == ["str", "float64", "int64"]
