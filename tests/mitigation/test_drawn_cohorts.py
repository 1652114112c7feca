"""Drawn cohorts have the same size and the stated proportions; who is drawn depends on as little as possible."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidParameterError
from faircmr.mitigation import BalancedCohort, SizeMatchedCohort, SmallestShareCohort
from faircmr.mitigation.cohorts import draw_balanced, draw_size_matched, draw_smallest_share
from tests.mitigation.pools import (
    PAPER,
    counts,
    group_sizes,
    pool_of,
    pool_of_people,
    pools,
    with_a_majority,
    with_one_more,
)

seeds = st.integers(0, 99)
LACKING = pool_of_people([*[("A", "F")] * 1, *[("A", "M")] * 9, *[("B", "F")] * 2, *[("B", "M")] * 2])


def test_the_papers_balanced_database_has_87_of_each_group_and_half_of_each_sex():
    pool = pool_of(PAPER)

    drawn = draw_balanced(pool, BalancedCohort(within=("sex",)))

    assert len(drawn) == 522
    assert counts(pool, drawn, "protected_group") == dict.fromkeys(PAPER, 87)
    by_sex = counts(pool, drawn, "protected_group", "sex")
    assert all(sorted([by_sex[group, "F"], by_sex[group, "M"]]) == [43, 44] for group in PAPER)


@given(pools, seeds, st.sampled_from([(), ("sex",)]))
def test_balanced_has_as_many_of_every_group_as_the_smallest_has(pool, seed, within):
    sizes = pool["protected_group"].value_counts()

    drawn = draw_balanced(pool, BalancedCohort(within=within, seed=seed, too_few="relax"))

    assert len(set(drawn)) == len(drawn)
    assert counts(pool, drawn, "protected_group") == dict.fromkeys(sizes.index, sizes.min())


def test_a_group_with_too_few_of_a_value_is_filled_up_from_its_other_values():
    drawn = draw_balanced(LACKING, BalancedCohort(within=("sex",), too_few="relax"))

    assert counts(LACKING, drawn, "protected_group", "sex") == {
        ("A", "F"): 1,
        ("A", "M"): 3,
        ("B", "F"): 2,
        ("B", "M"): 2,
    }


@given(group_sizes, seeds)
def test_the_three_have_one_size_and_everybody_is_represented(sizes, seed):
    pool, balance = pool_of(sizes), min(0.5, 1 / len(sizes))

    drawn = [
        draw_balanced(pool, BalancedCohort(seed=seed)),
        draw_size_matched(pool, SizeMatchedCohort(seed=seed)),
        draw_smallest_share(pool, SmallestShareCohort(share=balance, seed=seed), "fewer"),
    ]

    total = len(sizes) * min(sizes.values())
    assert [len(set(one)) for one in drawn] == [total] * 3
    assert all(counts(pool, one, "protected_group").keys() == sizes.keys() for one in drawn)


@given(group_sizes, seeds)
def test_at_a_share_of_balance_the_smallest_share_is_the_balanced_cohort(sizes, seed):
    pool = pool_of(sizes)

    balanced = draw_balanced(pool, BalancedCohort(seed=seed))

    share = SmallestShareCohort(share=min(1 / len(sizes), 0.99), seed=seed)
    assert draw_smallest_share(pool, share, "fewer") == balanced


def test_size_matched_has_natural_proportions_and_at_least_one_of_a_group():
    pool = pool_of(PAPER)
    few = pool_of({"A": 300, "B": 2, "C": 3})

    matched = counts(pool, draw_size_matched(pool, SizeMatchedCohort()), "protected_group")

    # 522 of 5,313
    assert matched == {"White": 418, "Mixed": 17, "Asian": 39, "Black": 24, "Chinese": 8, "Others": 16}
    drawn = draw_size_matched(few, SizeMatchedCohort())
    assert counts(few, drawn, "protected_group") == {"A": 4, "B": 1, "C": 1}


def test_every_group_but_the_largest_has_the_share():
    pool = pool_of(PAPER)

    drawn = draw_smallest_share(pool, SmallestShareCohort(share=0.05), "fewer")

    # 5 % of 522 are 26.1
    assert counts(pool, drawn, "protected_group") == {**dict.fromkeys(PAPER, 26), "White": 522 - 5 * 26}


@given(group_sizes, seeds)
def test_a_group_with_less_in_one_cohort_has_a_part_of_its_people_in_the_other(sizes, seed):
    pool = pool_of(sizes)
    balanced = draw_balanced(pool, BalancedCohort(seed=seed))
    matched = draw_size_matched(pool, SizeMatchedCohort(seed=seed))

    for _, members in pool.groupby("protected_group")["subject_id"]:
        first, second = set(members) & set(balanced), set(members) & set(matched)
        assert first <= second or second <= first


DRAWS = {
    "balanced": lambda pool, seed: draw_balanced(pool, BalancedCohort(within=("sex",), too_few="relax", seed=seed)),
    "size_matched": lambda pool, seed: draw_size_matched(pool, SizeMatchedCohort(seed=seed)),
    "smallest_share": lambda pool, seed: draw_smallest_share(pool, SmallestShareCohort(share=0.25, seed=seed), "fewer"),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
@given(pool=with_a_majority, seed=seeds, shuffle=seeds)
def test_does_not_depend_on_the_order_of_rows(draw, pool, seed, shuffle):
    shuffled = pool.sample(frac=1, random_state=shuffle)

    assert draw(shuffled, seed) == draw(pool, seed)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_depends_on_the_seed(draw):
    pool = pool_of({"A": 40, "B": 8})

    assert set(draw(pool, 0)) != set(draw(pool, 1))


@given(pools, seeds, st.sampled_from([(), ("sex",)]))
def test_whoever_joins_a_larger_group_moves_nobody_unless_drawn_and_then_one(pool, seed, within):
    cohort = BalancedCohort(within=within, seed=seed, too_few="relax")
    largest = pool["protected_group"].mode()[0]
    # with a second group that is smaller, the number of each group stays as it is
    before = with_one_more(pool, "Z", pool["sex"][0], "sub-9998")
    after = with_one_more(before, largest, pool["sex"][0])

    first, second = (set(draw_balanced(one, cohort)) for one in (before, after))

    assert (first == second) if "sub-9999" not in second else len(first - second) == 1


@given(group_sizes, seeds)
def test_where_the_smallest_group_grows_everybody_who_was_drawn_stays(sizes, seed):
    smallest = min(sizes, key=sizes.get)
    pool = pool_of({group: size + 1 for group, size in sizes.items()} | {smallest: sizes[smallest]})
    grown = with_one_more(pool, smallest)

    # a subject of the smallest group is drawn in any case, so all of the group stay
    first, second = (set(draw_balanced(one, BalancedCohort(seed=seed))) for one in (pool, grown))

    assert first < second


def test_a_share_above_balance_is_refused():
    with pytest.raises(InvalidParameterError) as error:
        draw_smallest_share(pool_of({"A": 9, "B": 5, "C": 5}), SmallestShareCohort(share=0.4), "fewer")

    assert str(error.value) == (
        "fewer.strategy.cohort.share: 0.4 for each of 3 protected groups except the largest; at most 0.3333, which is "
        "balance; lower it"
    )


def test_a_share_of_nobody_is_refused():
    with pytest.raises(InvalidParameterError, match=r"cohort\.share: 0\.01 is .*; increase it"):
        draw_smallest_share(pool_of({"A": 90, "B": 5, "C": 5}), SmallestShareCohort(share=0.01), "fewer")


def test_a_rest_that_the_largest_group_cannot_fill_is_refused():
    with pytest.raises(
        InvalidParameterError,
        match=r"cohort\.share: 0\.1 requires 11 subjects of the largest protected group, which has 6; .*increase it",
    ):
        draw_smallest_share(pool_of({"A": 6, "B": 5, "C": 5}), SmallestShareCohort(share=0.1), "fewer")
