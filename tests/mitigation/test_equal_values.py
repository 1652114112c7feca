"""Balanced values of an attribute within groups; shortages raise an error or are counted."""

import logging
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError
from faircmr.mitigation import BalancedCohort
from faircmr.mitigation.cohorts import Shortage, alternate_values, check_shortages, shortages
from tests.mitigation.pools import pool_of_people, pools

BY_SEX = BalancedCohort(within=("sex",))
# the smallest group has four, so two of each sex are needed
LACKING = pool_of_people([*[("A", "F")] * 1, *[("A", "M")] * 9, *[("B", "F")] * 2, *[("B", "M")] * 2])


@given(st.lists(st.sampled_from("FMX"), min_size=1, max_size=30), st.integers(0, 30), st.integers(0, 9))
def test_the_first_so_many_hold_each_value_as_equally_as_can_be(values, size, seed):
    value_of = {f"sub-{number:04d}": value for number, value in enumerate(values)}

    chosen = Counter(value_of[name] for name in alternate_values("A", list(value_of), value_of, seed)[:size])

    # a value has fewer than another, by more than one, only where all of it is chosen
    for value, have in Counter(values).items():
        assert chosen[value] >= max(chosen.values(), default=0) - 1 or chosen[value] == have
    assert sum(chosen.values()) == min(size, len(values))


def test_the_odd_one_is_of_a_value_that_the_seed_draws():
    value_of = {"a": "F", "b": "F", "c": "M", "d": "M"}

    firsts = {value_of[alternate_values("A", list(value_of), value_of, seed)[0]] for seed in range(20)}

    assert firsts == {"F", "M"}


@given(pools, st.integers(0, 9))
def test_shortages_are_exactly_where_the_draw_is_not_equal(pool, seed):
    cohort = BalancedCohort(within=("sex",), seed=seed)
    value_of = dict(zip(pool["subject_id"], pool["sex"], strict=True))
    sizes = pool["protected_group"].value_counts()

    lacking = shortages(pool, cohort)

    for group, members in pool.groupby("protected_group")["subject_id"]:
        drawn = Counter(
            value_of[name] for name in alternate_values(group, sorted(members), value_of, seed)[: sizes.min()]
        )
        parts = [drawn[sex] for sex in set(pool["sex"])]
        assert (max(parts) - min(parts) <= 1) == (group not in {one.group for one in lacking})


def test_an_odd_number_asks_for_no_more_of_the_value_that_has_none_to_spare():
    # three of each group: A has one F and two M, so its odd one is M whatever the seed
    pool = pool_of_people([("A", "F"), ("A", "M"), ("A", "M"), *[("B", "F"), ("B", "M")] * 5])

    assert all(shortages(pool, BalancedCohort(within=("sex",), seed=seed)) == [] for seed in range(20))


def test_a_value_that_a_group_has_not_at_all_is_short():
    pool = pool_of_people([("A", "F")] * 4 + [("B", "F"), ("B", "M")] * 2)

    assert shortages(pool, BY_SEX) == [Shortage("A", "M", 0, 2)]


def test_several_attributes_are_balanced_as_the_intersections_that_there_are():
    pool = pool_of_people([("A", "F"), ("A", "M")] * 2).assign(centre=[1, 1, 2, 1])

    # (F, 1), (F, 2) and (M, 1) occur: four subjects are 2 + 1 + 1 of them, and nothing is short
    assert shortages(pool, BalancedCohort(within=("sex", "centre"))) == []


def test_too_few_of_a_value_end_the_run_with_group_value_numbers_and_a_remedy():
    with pytest.raises(InvalidCohortError) as error:
        check_shortages([LACKING], BY_SEX, "balanced")

    assert str(error.value) == (
        "balanced cohort of balanced, protected group 'A': 1 subjects of sex 'F'; "
        "2, so that each value has the same number; "
        "set balanced.strategy.cohort.too_few to 'relax' to fill the group up from its other values, or shorten "
        "balanced.strategy.cohort.within"
    )


def test_relaxed_they_are_counted_in_one_line_over_all_folds(caplog):
    with caplog.at_level(logging.WARNING):
        check_shortages([LACKING, LACKING], BalancedCohort(within=("sex",), too_few="relax"), "balanced")

    assert [record.getMessage() for record in caplog.records] == [
        (
            "balanced: 2 of 16 places in the balanced cohort are filled with another value of sex: "
            "their protected group has too few subjects of the value"
        )
    ]


def test_nothing_is_said_where_nothing_is_short(caplog):
    check_shortages([LACKING], BalancedCohort(), "balanced")

    assert caplog.records == []


def test_a_missing_value_is_counted():
    with pytest.raises(InvalidCohortError, match="attribute 'sex': missing for 14 of 14 subjects"):
        shortages(LACKING.assign(sex=None), BY_SEX)
