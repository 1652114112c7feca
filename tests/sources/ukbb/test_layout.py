"""Which column of a UK Biobank table holds what, told by its name alone."""

import pytest

from faircmr.sources.ukbb.participants import read_tables
from faircmr.sources.ukbb.tables import read_layout
from tests.sources.ukbb.table_files import write


def layout_of(folder, header):
    return read_layout(write(folder / "table.csv", header + "\n"))


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("f.31.0.0", (31, 0)),
        ("f.12144.2.0", (12144, 2)),
        ("31-0.0", (31, 0)),
        ("21000-2.0", (21000, 2)),
        ("p31", (31, 0)),
        ("p21000_i0", (21000, 0)),
        ("p12144_i2", (12144, 2)),
        ("p54_i3_a0", (54, 3)),
        ("participant.p31", (31, 0)),
        ("participant.p21003_i2", (21003, 2)),
    ],
)
def test_names_of_every_form_name_a_field_and_an_instance(name, place, tmp_path):
    assert dict(layout_of(tmp_path, f"other,{name},eid").values) == {place: 1}


@pytest.mark.parametrize(
    "name",
    [
        *("31", "x31_0_0", "f.31.0.1", "31-0.1", "p31_a1", "p34", "P31", "np31", "p310", "31-0.0 sex", "f.eid.31"),
        *("hesin.p31", "p" + "9" * 5000, "p21003_i"),
    ],
)
def test_other_names_are_passed_over(name, tmp_path):
    assert dict(layout_of(tmp_path, f"eid,{name}").values) == {}


@pytest.mark.parametrize("name", ["eid", "f.eid", "participant.eid"])
def test_the_participants_column_may_stand_anywhere(name, tmp_path):
    layout = layout_of(tmp_path, f'"31-0.0";" {name} ";x')

    assert (layout.separator, layout.width, layout.participant) == (";", 3, 1)


@pytest.mark.parametrize("header", ["", "id,31-0.0", "patient eid,31-0.0", "f-eid", '"eid,31-0.0', "# eid table"])
def test_a_file_without_a_participants_column_is_no_table(header, tmp_path):
    assert layout_of(tmp_path, header) is None


def test_picks_its_columns_out_of_twenty_thousand(tmp_path):
    others = [f"{30_000 + number}-0.0" for number in range(20_000)]
    header, values = ["eid", *others, "21000-0.0", "31-0.0"], ["1", *(["0.123456789"] * 20_000), "6", "1"]
    table = write(tmp_path / "ukb.csv", "".join(",".join(row) + "\n" for row in [header, values]))

    assert read_tables([table]).attributes.loc["1", ["sex", "race"]].tolist() == ["male", "Others"]
