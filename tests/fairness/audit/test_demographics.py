"""Scores meet demographics: what does not join is counted, what is missing is said, and nobody is named."""

from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, InvalidParameterError
from faircmr.core.user_input import read_numbers, subject_and_phase
from faircmr.fairness.adjustment import Covariates
from faircmr.fairness.audit import AuditColumns, AuditParameters
from faircmr.fairness.audit.adjusted_tables import covariates_asked
from faircmr.fairness.audit.demographics import join_demographics, resolve_attributes

PEOPLE = pd.DataFrame(
    {
        "eid": ["9000001", "9000002", "9000003", "9000004"],
        "race": ["white", "black", "white", None],
        "sex": ["f", "m", "m", "f"],
        "age": [50.1, 60.2, 70.3, 40.4],
    }
)


COLUMNS = AuditColumns(subject="eid")


def index(*ids: str) -> pd.Index:
    return pd.Index(ids, name="subject_id")


def test_joins_and_counts_whom_it_does_not_find():
    found, left_out = join_demographics(index("9000003", "9", "9000001"), PEOPLE, COLUMNS)

    assert found.index.tolist() == ["9000003", "9000001"]
    assert [str(one) for one in left_out] == ["1 of 3 scored subjects are left out: not in the demographics"]
    assert found.columns.tolist() == ["race", "sex", "age"]


def test_numbers_as_ids_are_text():
    assert join_demographics(index("9000001"), PEOPLE.astype({"eid": int}), COLUMNS)[1] == []


@pytest.mark.parametrize(
    ("table", "column", "said"),
    [
        (PEOPLE, "id", "demographics: no column id"),
        (pd.concat([PEOPLE, PEOPLE.head(2)]), "eid", "2 subjects repeated"),
        (PEOPLE.assign(eid=["a", "b", "c", "d"]), "eid", "none of 1 scored subjects is in it"),
    ],
)
def test_refuses_what_cannot_be_joined(table: pd.DataFrame, column: str, said: str):
    with pytest.raises(InvalidCohortError, match=said) as error:
        join_demographics(index("9000001"), table, AuditColumns(subject=column))
    assert "9000001" not in str(error.value)


@pytest.mark.parametrize(
    ("ids", "scored"),
    [
        (["9000001 ", " 9000002", "9000003", "9000004"], "9000001"),
        ([9000001, 9000002, 9000003, 9000004], "9000001"),
        ([9000001.0, 9000002.0, 9000003.0, np.nan], "9000001"),
        (pd.array([9000001, 9000002, 9000003, None], dtype="Int64"), "9000001"),
        (pd.Categorical(["9000001", "9000002", "9000003", "9000004"]), "9000001"),
    ],
    ids=["blanks", "integers", "decimals", "nullable", "categories"],
)
def test_ids_join_whatever_their_type(ids: object, scored: str):
    assert join_demographics(index(scored), PEOPLE.assign(eid=ids), COLUMNS)[0].index.tolist() == [scored]


def test_rows_without_an_id_are_left_out_and_counted():
    _, left_out = join_demographics(index("9000001"), PEOPLE.assign(eid=["9000001", None, "NA", ""]), COLUMNS)

    assert [str(one) for one in left_out] == ["3 of 4 rows of the demographics are left out: no id of a subject"]


def test_the_column_of_ids_may_have_another_name_and_the_remedy_names_it():
    with pytest.raises(InvalidCohortError, match=r"no column subject_id; .*audit_columns\.demographics_subject=eid"):
        join_demographics(index("9000001", "9000002"), PEOPLE, AuditColumns())

    assert len(join_demographics(index("9000001"), PEOPLE, AuditColumns(demographics_subject="eid"))[0]) == 1


@pytest.mark.parametrize("scored", [("0000001", "0000002", "9"), ("1", "2", "9")])
def test_ids_that_have_lost_zeros_are_named_as_such(scored: tuple[str, ...]):
    people = pd.DataFrame({"eid": ["0001", "0002", "9"], "sex": ["f", "m", "f"]})

    with pytest.raises(InvalidCohortError, match=r"2 of 3 scored subjects .* zeros in front .* as text"):
        join_demographics(index(*scored), people, COLUMNS)


@pytest.mark.parametrize(
    ("cases", "pattern"),
    [
        (["p{}_frame01.nii.gz", "p{}_frame14.nii.gz"], r"(?P<subject>.+?)(?P<phase>_frame\d+)"),
        (["case_p{}.nii", "case_p{}_ES.nii"], r"case_(?P<subject>.+?)(?P<phase>_ES)?"),
        (["p{}_sa.NII.GZ"], r"(?P<subject>.+?)(?P<phase>_sa)"),
    ],
)
def test_names_of_which_no_id_is_known_get_a_pattern_that_fits(cases: list[str], pattern: str):
    ids = ["p001", "p002", "p003"]
    names = [case.format(number[1:]) for case in cases for number in ids]
    people = pd.DataFrame({"subject_id": ids, "sex": ["f", "m", "f"]})

    with pytest.raises(InvalidCohortError, match=r"set audit_columns\.case_pattern to '(.*)'") as error:
        join_demographics(index("nobody"), people, AuditColumns(), names)
    assert str(error.value).endswith(f"'{pattern}'")
    found = [subject_and_phase(name, pattern, "audit_columns.case_pattern") for name in names]
    assert {subject for subject, _ in found} == set(ids)
    assert len(set(found)) == len(names)


def test_a_pattern_names_nobody():
    people = pd.DataFrame({"subject_id": ["p001", "p002"], "sex": ["f", "m"]})

    with pytest.raises(InvalidCohortError) as error:
        join_demographics(index("nobody"), people, AuditColumns(), ["p001_Mueller.nii", "p002_Schmidt.nii"])
    assert "Mueller" not in str(error.value)
    assert "case_pattern" in str(error.value)


# as pandas has them in memory; sex as codes, age with a gap
TYPES = {
    "numbers": {"sex": [0, 1, 0, 1], "age": [58.0, np.nan, 61.0, 70.0]},
    "numbers with gaps": {"sex": [0.0, 1.0, np.nan, 1.0], "age": [58.0, np.nan, 61.0, 70.0]},
    "nullable": {
        "sex": pd.array([0, 1, None, 1], dtype="Int64"),
        "age": pd.array([58, None, 61, 70], dtype="Int64"),
    },
    "text": {"sex": ["0", "1", None, "1"], "age": ["58", "NA", "61", "70"]},
    "categories": {"sex": pd.Categorical([0, 1, None, 1]), "age": [58.0, None, 61.0, 70.0]},
}


@pytest.mark.parametrize("values", TYPES.values(), ids=TYPES)
@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("role", ["covariates", "mediators"])
def test_groups_and_numbers_are_the_same_in_every_form(values: dict[str, object], form: str, role: str):
    people = pd.DataFrame({"subject_id": ["a", "b", "c", "d"], **values})
    content = BytesIO()
    if form == "csv":
        people.to_csv(content, index=False)
        content.seek(0)
        read = pd.read_csv(content, dtype="str", keep_default_na=False, na_values=[""])
    else:
        people.to_parquet(content)
        read = pd.read_parquet(content)
    asked = AuditParameters.model_validate({"attributes": ["sex"], role: ["age"]})

    found, _ = resolve_attributes(read.set_index("subject_id"), asked, AuditColumns().words)

    assert set(found["sex"].dropna()) == {"0", "1"}
    numbers = read_numbers(found["age"]).values
    assert numbers.fillna(-1).tolist() == [58.0, -1.0, 61.0, 70.0]
    if role == "covariates":
        assert Covariates.by_type(found, ["age"]).numeric == ("age",)


def test_what_is_missing_is_said_with_the_word_that_says_so():
    people = PEOPLE.assign(age=["58", "NA", "#N/A", "NA"], sex=["f", None, "-", "n/a"])
    asked = AuditParameters(attributes=("sex",), covariates=("age",))

    found, notes = resolve_attributes(people, asked, AuditColumns().words)

    assert notes == [
        "sex is missing for 2 of 4 scored subjects: 1 as 'n/a', 1 empty.",
        "age is missing for 3 of 4 scored subjects: 1 as '#N/A', 2 as 'NA'.",
    ]
    assert found["sex"].dropna().tolist() == ["f", "-"]


def test_a_table_without_a_header_is_not_quoted():
    people = pd.DataFrame({"7000001": ["7000002", "7000003"], "F": ["M", "F"]})

    with pytest.raises(InvalidCohortError, match=r"no column subject_id; .*; add a line with the names") as error:
        join_demographics(pd.Index(["7000001", "7000002", "7000003"]), people, AuditColumns())

    assert "7000001" not in str(error.value)


def test_a_name_that_looks_like_the_ids_below_it_is_not_quoted():
    """It is an id where the table has no header, and whoever has one can count columns."""
    ids = ["pat-08", "pat-09", "pat-10"]
    people = pd.DataFrame({"F": ["M", "F", "F"], "pat-07": ids})

    with pytest.raises(InvalidCohortError, match=r"its column 2 holds ids") as error:
        join_demographics(pd.Index(ids), people, AuditColumns())

    assert "pat-07" not in str(error.value)


def test_a_group_cannot_have_the_name_of_a_row_of_the_tables():
    people = PEOPLE.assign(site=["a", "all", "b", "a"])

    with pytest.raises(InvalidCohortError, match=r"'site': a group is called 'all'.*rename the group"):
        resolve_attributes(people, AuditParameters(attributes=("site",)), AuditColumns().words)


@pytest.mark.parametrize(("declared", "kind"), [((), "numeric"), (("site",), "categorical")])
def test_codes_are_declared_categorical(declared: tuple[str, ...], kind: str):
    people = PEOPLE.assign(site=["11025", "11026", "11027", "11025"])
    asked = AuditParameters(attributes=("sex",), covariates=("site",), categorical=declared)

    found, _ = resolve_attributes(people, asked, AuditColumns().words)

    assert getattr(covariates_asked(found, asked, "sex"), kind) == ("site",)


@pytest.mark.parametrize("sites", [["007", "07", "8", "8"], ["007", "07", "8", "NA"]])
def test_sites_with_zeros_stay_apart_as_groups_and_are_asked_about_as_covariates(sites: list[str]):
    people = PEOPLE.assign(site=sites)
    words = AuditColumns().words

    groups, _ = resolve_attributes(people, AuditParameters(attributes=("site",)), words)
    assert set(groups["site"].dropna()) == {"007", "07", "8"}

    asked = AuditParameters(attributes=("sex",), covariates=("site",))
    found, _ = resolve_attributes(people, asked, words)
    with pytest.raises(InvalidParameterError, match=r"site with 2 values that are no plain.*audit\.categorical"):
        covariates_asked(found, asked, "sex")
    asked = asked.model_copy(update={"categorical": ("site",)})
    assert covariates_asked(resolve_attributes(people, asked, words)[0], asked, "sex").categorical == ("site",)
