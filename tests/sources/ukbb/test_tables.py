"""UK Biobank's tables in each form that users hold: the same answers, and a reason for everything that is left out."""

import gzip

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError
from faircmr.sources.ukbb.participants import find_tables, read_tables
from tests.sources.ukbb.table_files import HEADERS, table_text, write

COLUMNS = ["sex", "race", "race_missing", "ethnic_background", "age", "bmi", "height", "weight", "centre"]
NA = None


@pytest.fixture
def read(tmp_path):
    """Reads tables that are given as text."""

    def reading(*texts, wanted=None):
        paths = [write(tmp_path / f"{number}.csv", text) for number, text in enumerate(texts)]
        return read_tables(paths, wanted)

    return reading


def refusal(path, *others):
    with pytest.raises(InvalidCohortError) as error:
        read_tables([path, *others])
    assert str(path.parent) not in str(error.value)
    assert path.name not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return str(error.value)


def row(found, source_id):
    return [NA if pd.isna(value) else value for value in found.attributes.loc[source_id]]


@pytest.mark.parametrize("separator", ["\t", ",", ";"], ids=["tabs", "commas", "semicolons"])
@pytest.mark.parametrize("form", HEADERS)
def test_reads_the_same_from_every_form(form, separator, tmp_path):
    found = read_tables([write(tmp_path / "ukb.txt", table_text(form, separator))])

    assert list(found.attributes) == COLUMNS
    assert found.attributes.index.name == "source_id"
    assert found.attributes.index.tolist() == ["7000011", "7000012", "7000013"]
    # the imaging visit: instance 2
    assert row(found, "7000011") == ["female", "White", NA, "British", 61.0, 25.5, 164.0, 68.6, "11025"]
    # nothing there but a refusal to answer: instances 1 and 0; 81 kg and 1.80 m are 25.0 kg/m2
    assert row(found, "7000012") == ["male", "Black", NA, "Black or Black British", 47.0, 25.0, 180.0, 81.0, "11012"]
    # age of instance 3; 70 kg over the square of 1.75 m
    assert row(found, "7000013") == [
        *("male", NA, "prefer not to answer", NA),
        *(70.0, pytest.approx(22.857, abs=1e-3), 175.0, 70.0, "11027"),
    ]
    assert dict(found.rejected) == {}


@pytest.mark.parametrize(("ages", "expected"), [("50,55,60,65", 60), ("50,55,,65", 65), ("50,55,,", 55), ("50,,,", 50)])
def test_takes_the_imaging_visit_then_its_repetition_then_the_nearest_before(ages, expected, read):
    found = read(f"eid,31-0.0,21000-0.0,21003-0.0,21003-1.0,21003-2.0,21003-3.0\n1,0,1,{ages}\n")

    assert found.attributes.loc["1", "age"] == expected


def test_body_mass_index_is_that_of_the_visit_from_which_height_and_weight_are(read):
    found = read(
        "eid,31-0.0,21000-0.0,21001-0.0,50-0.0,12144-2.0,12143-2.0\n"
        # 80 kg over the square of 2 m at imaging, whatever the index was years before
        "1,0,1,35,199,200,80\n2,0,1,35,199,,80\n"
        # 50 cm and 350 kg are possible each, together they are not
        "3,0,1,,,50,350\n"
        # nothing but the height of one visit and the weight of another
        "4,0,1,,200,,80\n"
    )

    assert found.attributes["bmi"].tolist() == [20.0, 35.0, pytest.approx(np.nan, nan_ok=True), 20.0]


def test_reads_meanings_like_codes(read):
    codes = "eid,p31,p21000_i0,p54_i2\n1,0,3004,11025\n2,1,-1,11026\n3,0,1,\n4,1,-3,\n"
    words = (
        "eid,p31,p21000_i0,p54_i2\n1,Female,Any other Asian background,11025\n2,Male,Do not know,11026\n"
        '3,"Female","White",\n4,Male,Prefer not to answer,\n'
    )

    pd.testing.assert_frame_equal(read(words).attributes, read(codes).attributes)
    assert read(words).attributes["race"].tolist()[::2] == ["Asian", "White"]


def test_says_why_race_is_missing(read):
    attributes = read("eid,31-0.0,21000-0.0\n1,0,-3\n2,0,-1\n3,0,\n4,,5\n").attributes

    assert attributes["race_missing"].tolist()[:3] == ["prefer not to answer", "do not know", "not recorded"]
    assert attributes["race"].isna().tolist() == [True, True, True, False]
    assert attributes["race_missing"].isna().tolist() == [False, False, False, True]
    assert attributes["sex"].isna().tolist() == [False, False, False, True]


def test_a_finer_answer_of_the_same_group_is_no_contradiction(read):
    found = read("eid,31-0.0,21000-0.0,21000-1.0,21000-2.0\n1,0,1001,1003,1\n")

    assert dict(found.rejected) == {}
    assert found.attributes.loc["1", "ethnic_background"] == "White"


def test_rejects_people_whose_visits_contradict_each_other(read):
    found = read(
        "eid,31-0.0,31-2.0,21000-0.0,21000-2.0\n1,0,1,1001,1001\n2,0,0,1001,2003\n3,0,,-3,2003\n4,0,0,9999,1\n5,2,0,1,1\n"
    )

    assert dict(found.rejected) == {
        "1": "sex differs between visits",
        "2": "ethnic background is of another group at another visit",
        "4": "sex or ethnic background is outside UK Biobank's coding",
        "5": "sex or ethnic background is outside UK Biobank's coding",
    }
    assert found.attributes.index.tolist() == ["3"]


def test_joins_tables_by_participant(read):
    found = read(
        "eid,31-0.0,21000-0.0\n2,1,5\n1,0,1001\n",
        "f.eid,f.21003.2.0,f.50.2.0\n1,63,170\n3,50,180\n",
        "participant.eid,participant.p21002_i2\n2,70\n1,60\n",
    )

    assert found.attributes.index.tolist() == ["1", "2", "3"]
    assert found.attributes.loc["1", ["sex", "age", "weight"]].tolist() == ["female", 63.0, 60.0]
    assert found.attributes.loc["1", "bmi"] == pytest.approx(60 / 1.7**2)
    assert found.attributes.loc["2", ["race", "weight"]].tolist() == ["Chinese", 70.0]
    assert found.attributes.loc["3", "race_missing"] == "not recorded"
    assert found.repeated_rows == 0


def test_passes_over_repeated_rows_and_rejects_those_that_differ(read):
    found = read(
        "eid,31-0.0,21000-0.0,21003-2.0\n1,0,1001,60\n1,0,1001,60\n2,0,1001,60\n2,1,1001,60\n3,0,5,60\n3,0,5,61\n4,1,6,\n"
    )

    assert found.attributes.index.tolist() == ["1", "4"]
    assert dict(found.rejected) == dict.fromkeys(["2", "3"], "listed twice with different values")
    assert found.repeated_rows == 3


def test_repeated_rows_of_a_table_of_sex_and_ethnic_background_alone(read):
    found = read("eid,31-0.0,21000-0.0\n1,0,1001\n1,0,1001\n2,0,1001\n2,1,1001\n")

    assert (found.attributes.index.tolist(), list(found.rejected)) == (["1"], ["2"])


def test_a_rounded_value_and_a_centre_by_name_are_no_contradiction(read):
    found = read(
        "eid,31-0.0,21000-0.0,21001-2.0,54-2.0\n1,0,1001,27.4933,11025\n",
        "eid,p31,p21001_i2,p54_i2\n1,Female,27.5,Cheadle (imaging)\n",
    )

    assert dict(found.rejected) == {}
    assert found.attributes.loc["1", ["bmi", "centre"]].tolist() == [27.4933, "11025"]


def test_values_that_cannot_be_are_missing_and_counted_without_naming_anybody(read):
    found = read(
        "eid,31-0.0,21000-0.0,21003-2.0,21001-2.0,50-2.0,21002-2.0\n"
        "7000011,0,1001,60,900,0,70\n7000012,1,1001,old,25,1.75,70\n7000013,1,1001,inf,,180,nan\n"
    )

    assert found.impossible_values == 5, "and nan is a missing-value word"
    assert found.attributes[["age", "bmi", "height", "weight"]].isna().to_numpy().tolist() == [
        [False, True, True, False],
        [True, False, True, False],
        [True, True, False, True],
    ]
    (omission,) = found.omissions()
    assert str(omission).startswith("5 values of UK Biobank's tables are set to missing: ")
    assert "70000" not in str(omission)


def test_rows_that_are_not_used_are_counted_by_reason(read):
    found = read("eid,31-0.0,21000-0.0\n7000011,0,1001\n7000011,0,1001\n,1,1001\n7000012,1\n7000013,1,1001\n")

    assert [(one.what, one.count, one.reason) for one in found.omissions()] == [
        ("rows of UK Biobank's tables", 1, "they repeat another row of their table"),
        ("rows of UK Biobank's tables", 2, "no id, or more or fewer cells than the header"),
    ]


def test_nothing_is_said_of_a_table_without_faults(tmp_path):
    assert read_tables([write(tmp_path / "ukb.csv", table_text("csv"))]).omissions() == []


def test_keeps_the_wanted_participants_alone(tmp_path):
    path = write(tmp_path / "ukb.csv", table_text("csv"))

    assert read_tables([path], {"7000012", "7000099"}).attributes.index.tolist() == ["7000012"]
    assert read_tables([path], set()).attributes.empty


def test_passes_over_rows_without_an_id_or_of_another_length(read):
    found = read("eid,31-0.0,21000-0.0\n1,0,1001\n2,0\n3,0,1001,7\n,0,1001\n\n5,1,6\n")

    assert found.attributes.index.tolist() == ["1", "5"]
    assert found.unusable_rows == 3


def test_a_cell_may_hold_separators_line_breaks_and_quotation_marks(read):
    found = read('eid,20000-0.0,31-0.0,21000-0.0\n1,"Leeds, ""north"",\nUK",0,1001\n2,,1,"6"\n')

    assert found.attributes["race"].tolist() == ["White", "Others"]


def test_a_lone_quotation_mark_between_tabs_swallows_no_rows(tmp_path):
    text = 'eid\t20000-0.0\t31-0.0\t21000-0.0\n1\t"bakery\t0\t1001\n2\tmill\t1\t5\n3\t"\t1\t"6"\n'

    found = read_tables([write(tmp_path / "ukb.tsv", text)])

    assert found.attributes["race"].tolist() == ["White", "Chinese", "Others"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_reads_what_windows_and_old_software_write(encoding, ends, tmp_path):
    text = '"eid","20000-0.0 (Größe)","31-0.0","21000-0.0"\n"1","Brontë","0","1001.0"\n'.replace("\n", ends)

    found = read_tables([write(tmp_path / "ukb.csv", text, encoding)])

    assert row(found, "1")[:4] == ["female", "White", NA, "British"]


def test_a_byte_that_is_no_text_costs_its_own_row_alone(tmp_path):
    table = write(tmp_path / "ukb.csv", "eid,31-0.0,21000-0.0\n1,\xff,1001\n2,0,1001\n", "latin-1")

    found = read_tables([table])

    assert (list(found.rejected), found.attributes.index.tolist()) == (["1"], ["2"])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_refuses_utf_16(encoding, tmp_path):
    path = write(tmp_path / "people.csv", table_text("csv"), encoding)

    assert "text in UTF-16; UTF-8, Latin-1 or Windows-1252; save it again" in refusal(path)
    with pytest.raises(InvalidCohortError, match="UTF-16"):
        find_tables(tmp_path)


def test_names_the_fields_that_no_table_has(tmp_path):
    path = write(tmp_path / "people.csv", "eid,21003-0.0\n1,60\n")

    message = refusal(path)

    assert "no column of field 31 and of field 21000" in message
    assert "f.31.0.0, 31-0.0 or p31" in message


def test_refuses_files_that_are_no_tables(tmp_path):
    with pytest.raises(InvalidCohortError, match=r"no UK Biobank table found there; a table with a column eid"):
        read_tables([])
    assert "no column eid" in refusal(write(tmp_path / "people.csv", "name,sex\nx,1\n"))
    assert "no column eid" in refusal(tmp_path / "absent.csv")
    assert "damaged, or no table" in refusal(write(tmp_path / "people.csv", "eid,31-0.0,21000-0.0"))
    unequal = write(tmp_path / "people.csv", "eid,31-0.0,21000-0.0\n1,0,1001,\n2,1,1001,\n")
    assert "none of 2 rows has an id and 3 cells" in refusal(unequal)
    twice = write(tmp_path / "people.csv", "eid,31-0.0,p31,21000-0.0\n1,0,0,1\n")
    assert "two columns of field 31, instance 0" in refusal(twice)


def test_reads_compressed_tables_and_refuses_truncated_ones(tmp_path):
    rows = "".join(f"{7000000 + number},0,1001\n" for number in np.random.default_rng(0).permutation(20_000))
    whole = gzip.compress(f"eid,31-0.0,21000-0.0\n{rows}".encode())
    path = tmp_path / "people.csv.gz"
    path.write_bytes(whole)

    assert find_tables(tmp_path) == (path,)
    assert len(read_tables([path]).attributes) == 20_000

    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refusal(path)


def test_finds_tables_by_their_headers_at_most_one_folder_down(tmp_path):
    tables = [
        write(tmp_path / "main.TAB", table_text("tab", "\t")),
        write(tmp_path / "tables" / "rap.csv", table_text("participant")),
        write(tmp_path / "tables" / "ukb.txt", table_text("csv", ";")),
    ]
    write(tmp_path / "manifest.csv", "filename,patientid,series discription\na.dcm,eid,b\n")
    write(tmp_path / "notes.md", table_text("csv"))
    write(tmp_path / "empty.csv", "")
    write(tmp_path / "a" / "b" / "deep.csv", table_text("csv"))
    (tmp_path / "noise.txt").write_bytes(bytes(range(256)) * 4)
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "broken.csv.gz").write_bytes(b"\x1f\x8b\x08")

    assert find_tables(tmp_path) == tuple(sorted(tables))
    assert find_tables(tmp_path / "elsewhere") == ()


def test_reads_a_table_of_the_shape_that_uk_biobank_sends(project_root):
    # ukbwranglr's invented people: fields that nobody asked for, answers that contradict each other
    folder = project_root.parent / "shared" / "data" / "ukb_tables"
    if not folder.is_dir():
        pytest.skip("the sample table lies elsewhere: expected beside the repository, in shared/data/ukb_tables")

    found = read_tables(find_tables(folder))

    assert list(found.rejected) == ["1", "2", "3", "4", "5", "6", "7"]
    assert found.attributes["race"].to_dict() == {"10": "Black", "8": "Chinese", "9": "Black"}
    assert found.attributes["sex"].to_dict() == {"10": "male", "8": "male", "9": "female"}
    assert found.attributes.loc["10", "bmi"] == 30.0483
