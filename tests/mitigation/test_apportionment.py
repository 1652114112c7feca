"""Apportionment of whole subjects is as close to the proportions as possible."""

from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.mitigation.cohorts import apportion

sizes_of_groups = st.dictionaries(st.sampled_from("ABCDEF"), st.integers(1, 500), min_size=1)


@pytest.mark.parametrize(
    ("total", "sizes", "expected"),
    [
        # Balinski and Young 2001: the textbook case of the largest remainder, 21 seats (the Alabama paradox)
        (21, {"A": 7270, "B": 1230, "C": 2220}, {"A": 14, "B": 3, "C": 4}),
        (22, {"A": 7270, "B": 1230, "C": 2220}, {"A": 15, "B": 2, "C": 5}),
        # equal remainders: who comes first
        (3, {"A": 1, "B": 1}, {"A": 2, "B": 1}),
        (3, {"B": 1, "A": 1}, {"B": 2, "A": 1}),
        # the paper's cohort: 17.5 each
        (105, dict.fromkeys("ABCDEF", 87), {"A": 18, "B": 18, "C": 18, "D": 17, "E": 17, "F": 17}),
    ],
)
def test_gives_the_largest_remainders_the_rest(total, sizes, expected):
    assert apportion(total, sizes, most=dict.fromkeys(sizes, total)) == expected


@given(sizes_of_groups, st.floats(0.0, 1.0))
def test_adds_up_and_rounds_each_proportion_up_or_down(sizes, fraction):
    total = int(fraction * sum(sizes.values()))

    counts = apportion(total, sizes, most=sizes)

    assert sum(counts.values()) == total
    for group, size in sizes.items():
        exact = total * size / sum(sizes.values())
        assert floor(exact + 1e-9) <= counts[group] <= ceil(exact - 1e-9)


@given(sizes_of_groups, st.integers(0, 600), st.integers(0, 1))
def test_stays_between_least_and_most(sizes, total, least):
    counts = apportion(total, sizes, most=sizes, least=least)

    assert all(least <= counts[group] <= sizes[group] for group in sizes)
    assert sum(counts.values()) == min(max(total, least * len(sizes)), sum(sizes.values()))


def test_what_a_small_group_has_in_advance_is_taken_from_the_others():
    assert apportion(10, {"A": 1000, "B": 1, "C": 1}, most={"A": 1000, "B": 1, "C": 1}, least=1) == {
        "A": 8,
        "B": 1,
        "C": 1,
    }
