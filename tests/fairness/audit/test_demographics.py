"""Scores meet demographics: what does not join is counted, and nobody is named."""

import pandas as pd
import pytest

from faircmr.core.errors import InvalidCohortError
from faircmr.fairness.audit.demographics import joined

PEOPLE = pd.DataFrame(
    {
        "eid": ["9000001", "9000002", "9000003", "9000004"],
        "race": ["white", "black", "white", None],
        "sex": ["f", "m", "m", "f"],
        "age": [50.1, 60.2, 70.3, 40.4],
    }
)


def index(*ids: str) -> pd.Index:
    return pd.Index(ids, name="subject_id")


def test_joins_and_counts_whom_it_does_not_find():
    found, missing = joined(index("9000003", "9", "9000001"), PEOPLE, "eid")

    assert found.index.tolist() == ["9000003", "9000001"]
    assert missing == 1
    assert found.columns.tolist() == ["race", "sex", "age"]


def test_numbers_as_ids_are_text():
    assert joined(index("9000001"), PEOPLE.astype({"eid": int}), "eid")[1] == 0


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
        joined(index("9000001"), table, column)
    assert "9000001" not in str(error.value)
