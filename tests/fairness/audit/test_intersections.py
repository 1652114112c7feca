"""Groupings by one attribute and by two, and which groups are too small to speak of."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.core import InvalidParameterError
from faircmr.fairness.audit.comparison import Grouping, groupings

ATTRIBUTES = pd.DataFrame(
    {
        "race": ["White", "White", "White", "White", "Black", "Black", "Asian", None],
        "sex": ["F", "F", "M", "M", "F", "M", "F", "M"],
        "ward": [1, 1, 2, 2, 1, 2, 1, 2],
    },
    index=pd.Index([f"sub-{number:04d}" for number in range(8)], name="subject_id"),
)


def by_name(names: list[str], min_group_size: int = 2) -> dict[str, Grouping]:
    return {one.name: one for one in groupings(ATTRIBUTES, names, min_group_size)}


def test_come_by_each_attribute_and_by_each_pair():
    assert list(by_name(["race", "sex"])) == ["race", "sex", "race x sex"]


def test_a_pair_that_divides_nobody_further_is_left_out():
    assert list(by_name(["sex", "ward"])) == ["sex", "ward"]


def test_an_intersection_is_named_by_both_groups_and_lacks_whom_it_does_not_know():
    both = by_name(["race", "sex"])["race x sex"]

    assert both.sizes.to_dict() == {"Asian x F": 1, "Black x F": 1, "Black x M": 1, "White x F": 2, "White x M": 2}
    assert both.not_recorded == 1


def test_small_groups_are_insufficient_and_not_compared():
    race = by_name(["race"])["race"]

    assert race.insufficient == ("Asian",)
    assert race.compared.tolist() == [True] * 6 + [False, False]
    assert race.groups is not None
    assert race.groups.names == ("Black", "White")
    assert race.groups.codes.tolist() == [1, 1, 1, 1, 0, 0]


def test_with_fewer_than_two_groups_that_are_large_enough_there_is_nothing_to_compare():
    assert by_name(["race"], min_group_size=3)["race"].groups is None


def test_groups_may_be_numbers_and_categories():
    typed = ATTRIBUTES.assign(race=ATTRIBUTES["race"].astype("category"), ward=ATTRIBUTES["ward"].astype("Int64"))
    both = list(groupings(typed, ["race", "ward"], 2))[-1]

    assert both.sizes.to_dict() == {"Asian x 1": 1, "Black x 1": 1, "Black x 2": 1, "White x 1": 2, "White x 2": 2}


@pytest.mark.parametrize("dtype", [object, "float64", "string"])
def test_an_attribute_that_nobody_has_groups_nobody(dtype):
    unknown = ATTRIBUTES.assign(observer=pd.Series(np.nan, index=ATTRIBUTES.index).astype(dtype))

    names = {one.name: one for one in groupings(unknown, ["observer", "sex"], 2)}

    assert names["observer"].not_recorded == 8
    assert names["observer"].groups is None


@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=4, max_size=40), st.integers(1, 6))
def test_who_is_compared_is_who_has_enough_like_them(rows: list[tuple[str, str]], fewest: int):
    attributes = pd.DataFrame(rows, columns=["one", "two"])
    for grouping in groupings(attributes, ["one", "two"], fewest):
        own = grouping.labels.map(grouping.labels.value_counts())

        assert grouping.compared.tolist() == (own >= fewest).tolist()
        if grouping.groups is not None:
            assert grouping.groups.sizes.min() >= fewest
            assert len(grouping.groups.codes) == grouping.compared.sum()


@pytest.mark.parametrize("other", ["white", "White ", " White", "WHITE"])
def test_one_group_in_two_spellings_is_refused(other: str):
    attributes = pd.DataFrame({"race": ["White", "White", other, "Black"]})

    with pytest.raises(InvalidParameterError, match="race with 2 values that differ from each other in spaces, cap"):
        list(groupings(attributes, ["race"], 1))


@pytest.mark.parametrize(
    ("names", "fewest", "message"),
    [
        (["gender"], 2, "audit_attributes: gender; one of race, sex, ward"),
        (["weight"], 2, "audit_attributes: weight with 31 values; at most 30 values; report bands of it"),
        (["sex"], 0, "min_group_size: 0; at least 1"),
    ],
)
def test_refuses_what_is_no_grouping(names: list[str], fewest: int, message: str):
    attributes = ATTRIBUTES if names != ["weight"] else pd.DataFrame({"weight": np.arange(31.0)})

    with pytest.raises(InvalidParameterError, match=message):
        list(groupings(attributes, names, fewest))
