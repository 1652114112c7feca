"""Tables that users bring are read as they are, or refused by the parameter that names them."""

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from faircmr.core import InvalidParameterError
from faircmr.core.user_input import has_decimal_commas, infer_column_types, read_user_table

TABLE = pd.DataFrame({"subject_id": ["0007", "0012"], "race": ["NA", None], "dsc": [0.5, 1.0]})


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_reads_both_kinds_alike(tmp_path: Path, suffix: str):
    path = tmp_path / f"scores.{suffix}"
    TABLE.to_csv(path, index=False) if suffix == "csv" else TABLE.to_parquet(path, index=False)

    table = infer_column_types(read_user_table(path, "scores"), text=["subject_id"])

    assert table["subject_id"].tolist() == ["0007", "0012"], "ids stay text"
    assert table["race"].isna().all(), "NA is missing"
    assert table["dsc"].tolist() == [0.5, 1.0]


def test_a_column_is_of_numbers_or_of_text_and_never_of_both():
    table = pd.DataFrame({"age": ["50", "60.5"], "sex": ["0", "f"], "id": ["1", "2"], "bmi": ["21", None], "n": [1, 2]})

    found = infer_column_types(table, text=["id", "absent"])

    assert found["age"].tolist() == [50.0, 60.5]
    assert found["sex"].tolist() == ["0", "f"]
    assert found["id"].tolist() == ["1", "2"]
    assert found["bmi"].tolist()[0] == 21.0
    assert found["n"].tolist() == [1, 2]


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path):
    path = tmp_path / "scores.csv"
    path.write_bytes(TABLE.to_csv(index=False).encode("utf-8-sig"))

    assert read_user_table(path, "scores").columns[0] == "subject_id"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.xlsx", b"", r"scores: .xlsx; a file that ends in .csv or .parquet"),
        ("t", b"", r"scores: no suffix"),
        ("t.csv", b"subject_id,dsc\nM\xfcller,0.5\n", "scores: not UTF-8; .*; save it again as UTF-8"),
        ("t.csv", b"a,a\n1,2\n", "columns 1 and 2 have one name"),
        ("t.csv", b"a,b\n", "scores: no rows"),
        ("t.csv", b"", "scores: damaged, or no table"),
        ("t.csv", b"a,b\n1,2,3,4\n1\n", "scores: 2 rows with more or fewer cells than the header; 2 cells a row"),
        # Excel where the comma is the decimal one: German, French
        ("t.csv", b"subject_id;dsc\n0007;0,93\n0012;0,9\n", "scores: the separator looks like ';'; commas between"),
        ("t.csv", b"subject_id;dsc\n0007;0.93\n", "scores: the separator looks like ';'; .*points in decimals"),
        ("t.csv", b"subject_id;volume, mL;dsc\n0007;12;1\n", "scores: the separator looks like ';'"),
        ("t.csv", b"subject_id;dsc\n0007;0,93\n0012;0,9;x\n", "scores: the separator looks like ';'"),
        ("t.csv", b"subject_id;dsc\n", "scores: the separator looks like ';'"),
        ("t.csv", b'"subject_id";"name"\n0007;"a;b"\n', "scores: the separator looks like ';'"),
        # old Macs end lines so, and Excel still offers it
        ("t.csv", b"a,b\r1,2\r", "scores: damaged, or no table"),
        ("t.csv", b"a\n" + b"1" * 200_000 + b"\n", "scores: damaged, or no table"),
        ("t.parquet", b"PAR1 not really", "scores: damaged, or no table"),
    ],
)
def test_refuses_what_it_cannot_read(tmp_path: Path, name: str, content: bytes, said: str):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(InvalidParameterError, match=said) as error:
        read_user_table(tmp_path / name, "scores")
    assert "Müller" not in str(error.value)
    assert str(tmp_path) not in str(error.value)


@given(
    st.lists(st.lists(st.text("a1,; ", min_size=1), min_size=2, max_size=2), min_size=1, max_size=4),
    st.sampled_from(["id", "i;d", "i;d;", ";"]),
)
def test_semicolons_in_cells_are_no_separator(rows: list[list[str]], name: str):
    table = pd.DataFrame(rows, columns=[name, "dsc"])
    with TemporaryDirectory() as folder:
        path = Path(folder) / "scores.csv"
        table.to_csv(path, index=False, quoting=csv.QUOTE_ALL)

        assert read_user_table(path, "scores").to_numpy().tolist() == rows


def test_a_name_with_semicolons_is_read_where_commas_make_the_table(tmp_path: Path):
    (tmp_path / "t.csv").write_text("subject_id,dice;LV;ED\n0007,0.5\n")

    assert read_user_table(tmp_path / "t.csv", "scores").columns.tolist() == ["subject_id", "dice;LV;ED"]


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["0,93", "1", None], True),
        (["-0,5", " +2,75 "], True),
        (["0.93", "1"], False),
        (["1", "2"], False),
        (["0,93", "NA"], True),
        (["0,93", "NA."], True),
        (["0,93", "good"], False),
        (["1,2,3", "4,5,6"], False),
        (["a,b"], False),
        ([None], False),
    ],
)
def test_sees_numbers_with_a_comma_for_a_point(cells: list[str | None], found: bool):
    assert has_decimal_commas(pd.Series(cells, dtype="str")) is found
    assert has_decimal_commas(pd.Series(cells, dtype="object")) is found


def test_numbers_have_no_commas():
    assert not has_decimal_commas(pd.Series([0.93, 1.0]))


# what pandas wrote of its columns, damaged: it raises KeyError and TypeError of them
@pytest.mark.parametrize("column", [{"name": "a"}, {"name": "a", "pandas_type": "int64", "numpy_type": "int44"}])
def test_refuses_a_parquet_whose_description_is_damaged(tmp_path: Path, column: dict[str, str]):
    described = {
        "index_columns": [],
        "column_indexes": [],
        "columns": [{"field_name": "a", "metadata": None, **column}],
    }
    table = pa.table({"a": [1]}).replace_schema_metadata({"pandas": json.dumps(described)})
    parquet.write_table(table, tmp_path / "t.parquet")

    with pytest.raises(InvalidParameterError, match="scores: damaged, or no table"):
        read_user_table(tmp_path / "t.parquet", "scores")


def test_refuses_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(InvalidParameterError, match="scores: no such file"):
        read_user_table(tmp_path / "t.csv", "scores")


@pytest.mark.parametrize("suffix", [".csv", ".CSV", ".Csv", ".parquet", ".Parquet", ".PARQUET"])
def test_a_suffix_may_be_in_any_case(tmp_path: Path, suffix: str):
    path = tmp_path / f"scores{suffix}"
    TABLE.to_csv(path, index=False) if "c" in suffix.lower() else TABLE.to_parquet(path, index=False)

    assert read_user_table(path, "scores")["subject_id"].tolist() == ["0007", "0012"]


PAIRS = [("0007", 0), ("0012", 1)]


@pytest.mark.parametrize(
    ("index", "columns"),
    [
        (pd.Index(["0007", "0012"], name="subject_id"), ["subject_id", "dsc"]),
        (pd.MultiIndex.from_tuples(PAIRS, names=["subject_id", "seed"]), ["subject_id", "seed", "dsc"]),
        (pd.MultiIndex.from_tuples(PAIRS, names=["subject_id", None]), ["subject_id", "dsc"]),
        (pd.Index([5, 7]), ["dsc"]),
        (pd.Index([0.5, 1.0], name="dsc"), ["dsc"]),
    ],
    ids=["ids", "ids and seeds", "one without a name", "numbers of rows", "a column again"],
)
def test_the_index_of_a_parquet_is_read_where_it_has_a_name(tmp_path: Path, index: pd.Index, columns: list[str]):
    pd.DataFrame({"dsc": [0.5, 1.0]}, index=index).to_parquet(tmp_path / "t.parquet")

    assert read_user_table(tmp_path / "t.parquet", "scores").columns.tolist() == columns


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_of_empty_cells_are_none(tmp_path: Path, suffix: str):
    path = tmp_path / f"t.{suffix}"
    table = pd.DataFrame({"a": ["1", None, None], "b": ["2", "3", None]})
    table.to_csv(path, index=False) if suffix == "csv" else table.to_parquet(path)

    assert read_user_table(path, "scores")["b"].tolist() == ["2", "3"]


def test_texts_of_parquet_that_are_none_are_damage(tmp_path: Path):
    path = tmp_path / "people.parquet"
    pd.DataFrame({"subject_id": ["a", "b"], "sex": ["male", "female"]}).to_parquet(path, compression=None)
    path.write_bytes(path.read_bytes().replace(b"male", b"m\xffle"))

    with pytest.raises(InvalidParameterError, match="audit_scores: damaged, or no table"):
        read_user_table(path, "audit_scores")


def test_a_first_row_that_names_somebody_is_not_quoted(tmp_path: Path):
    path = tmp_path / "people.csv"
    path.write_text("7000001,54,54\n7000002,61,60\n")

    with pytest.raises(InvalidParameterError, match="columns 2 and 3 have one name"):
        read_user_table(path, "audit_scores")
