"""The drawn order of a subject does not depend on other subjects."""

from hypothesis import given
from hypothesis import strategies as st

from faircmr.mitigation.cohorts import groups_in_drawn_order, in_drawn_order
from tests.mitigation.pools import pool_of

names = st.lists(st.text(min_size=1), unique=True, max_size=20)


@given(names, st.randoms(use_true_random=False), st.integers(0, 99))
def test_does_not_depend_on_the_order_of_names(names, random, seed):
    shuffled = random.sample(names, len(names))

    assert in_drawn_order(shuffled, seed, "draw") == in_drawn_order(names, seed, "draw")


@given(names, st.integers(0, 99))
def test_whoever_leaves_moves_nobody_past_another(names, seed):
    all_of_them = in_drawn_order(names, seed, "draw")

    assert in_drawn_order(names[1:], seed, "draw") == [name for name in all_of_them if name not in names[:1]]


def test_seeds_and_purposes_have_orders_of_their_own():
    names = [str(number) for number in range(20)]

    orders = {tuple(in_drawn_order(names, seed, purpose)) for seed in (0, 1) for purpose in ("draw", "validation")}

    assert len(orders) == 4


def test_groups_are_sorted_and_their_members_are_not():
    groups = groups_in_drawn_order(pool_of({"B": 20, "A": 5}), 0, "draw")

    assert [(group, len(members)) for group, members in groups.items()] == [("A", 5), ("B", 20)]
    assert groups["B"] != sorted(groups["B"])
