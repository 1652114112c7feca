"""What holds for any table: order says nothing, and damage ends in the project's own errors."""

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.core import FaircmrError
from faircmr.sources.ukbb.participants import find_tables, read_tables
from faircmr.sources.ukbb.tables import RACES
from tests.sources.ukbb.table_files import PEOPLE, table_text

cells = st.sampled_from(
    ["", "NA", "0", "1", "1001", "2003", "5", "-1", "-3", "Chinese", "male", "7", "60", "1.7e2", '"', ","]
)
tables = st.lists(st.tuples(st.sampled_from(["1", "2", "3"]), cells, cells, cells, cells), max_size=8)
HEADER = "eid\t31-0.0\t21000-0.0\t21000-2.0\t21003-2.0\n"


def read(folder, content):
    path = folder / "ukb.tsv"
    path.write_bytes(content)
    return read_tables(find_tables(folder))


def text_of(rows):
    return (HEADER + "".join("\t".join(row) + "\n" for row in rows)).encode()


@settings(max_examples=25)
@given(rows=tables, data=st.data())
def test_the_order_of_rows_changes_nobody_and_nobody_is_lost(rows, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    shuffled = data.draw(st.permutations(rows))

    first, second = read(folder, text_of(rows)), read(folder, text_of(shuffled))

    assert dict(first.rejected) == dict(second.rejected)
    pd.testing.assert_frame_equal(first.attributes, second.attributes)
    assert {*first.attributes.index, *first.rejected} == {row[0] for row in rows}
    assert first.attributes.index.is_unique
    assert set(first.attributes["race"].dropna()) <= set(RACES.values())
    assert (first.attributes["race"].isna() == first.attributes["race_missing"].notna()).all()


@settings(max_examples=60)
@given(
    position=st.integers(0, 10_000),
    removed=st.integers(0, 40),
    inserted=st.one_of(st.binary(max_size=8), st.sampled_from([b'"', b"\t", b"\n", b"\r", b"\0", b",", b"\xff\xfe"])),
    form=st.sampled_from(["tab", "csv", "rap"]),
    separator=st.sampled_from([b"\t", b","]),
)
def test_a_damaged_table_ends_in_an_expected_error_or_in_people_of_it(
    position, removed, inserted, form, separator, tmp_path_factory
):
    whole = table_text(form, separator.decode()).encode()
    position %= len(whole)
    damaged = whole[:position] + inserted + whole[position + removed :]
    said, races = outcome(tmp_path_factory.mktemp("tables"), damaged)

    assert not any(person in said for person in PEOPLE)
    assert races <= set(RACES.values())


def outcome(folder, content):
    """What an expected error says, and the groups that were found; any other error fails the test."""
    try:
        return "", set(read(folder, content).attributes["race"].dropna())
    except FaircmrError as error:
        return str(error), set()
