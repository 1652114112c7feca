"""Scores meet demographics: what does not join is counted, and nobody is named."""

import pandas as pd
import pytest

from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.fairness.audit.demographics import joined, memberships

PEOPLE = pd.DataFrame(
    {
        "eid": ["1000001", "1000002", "1000003", "1000004"],
        "race": ["white", "black", "white", None],
        "sex": ["f", "m", "m", "f"],
        "age": [50.1, 60.2, 70.3, 40.4],
    }
)


def index(*ids: str) -> pd.Index:
    return pd.Index(ids, name="subject_id")


def test_joins_and_counts_whom_it_does_not_find():
    found, missing = joined(index("1000003", "9", "1000001"), PEOPLE, "eid")

    assert found.index.tolist() == ["1000003", "1000001"]
    assert missing == 1
    assert found.columns.tolist() == ["race", "sex", "age"]


def test_numbers_as_ids_are_text():
    assert joined(index("1000001"), PEOPLE.astype({"eid": int}), "eid")[1] == 0


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
        joined(index("1000001"), table, column)
    assert "1000001" not in str(error.value)


def test_groups_of_attributes_and_of_their_intersections():
    people = PEOPLE.set_index("eid")

    race, both = memberships(people, ["race"], [("race", "sex")])

    assert race.labels.tolist() == ["white", "black", "white"]
    assert race.not_recorded == 1
    assert both.attribute == "race x sex"
    assert both.labels.tolist() == ["white x f", "black x m", "white x m"]


def test_refuses_unknown_attributes_and_measurements():
    with pytest.raises(InvalidParameterError, match=r"audit\.attributes: height; one of race, sex, age"):
        memberships(PEOPLE.drop(columns="eid"), ["height"], [])
    many = pd.DataFrame({"age": range(31)})
    with pytest.raises(InvalidParameterError, match="age with 31 values; at most 30 values; make bands"):
        memberships(many, ["age"], [])
