"""Properties of every batch, cycle and pass, for any groups, batch size and seed."""

from collections import Counter
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.mitigation.sampling import stratified_batch_sampling, uniform

groups = st.lists(st.sampled_from("ABCDEFG"), min_size=1, max_size=40)
sizes = st.integers(1, 24)
seeds = st.integers(0, 2**31)
steps = st.integers(0, 1000)


def drawn(keys: list[str], batch_size: int, seed: int, first: int, count: int) -> list[str]:
    batches = [stratified_batch_sampling(keys, batch_size, seed, step) for step in range(first, first + count)]
    return [keys[position] for batch in batches for position in batch]


@given(groups, st.integers(1, 6), seeds, steps)
def test_every_batch_holds_each_group_equally_where_it_can(keys: list[str], each: int, seed: int, step: int):
    names = sorted(set(keys))

    counts = Counter(drawn(keys, each * len(names), seed, step, 1))

    assert counts == dict.fromkeys(names, each)


@given(groups, sizes, seeds, steps)
def test_otherwise_groups_of_a_batch_differ_by_one_at_most(keys: list[str], batch_size: int, seed: int, step: int):
    counts = Counter(drawn(keys, batch_size, seed, step, 1))

    of_all = [counts[name] for name in set(keys)]
    assert max(of_all) - min(of_all) <= 1


@given(groups, sizes, seeds, st.integers(0, 50))
def test_counts_are_equal_over_a_cycle_with_more_groups_than_slots_too(
    keys: list[str], batch_size: int, seed: int, cycle: int
):
    names = set(keys)
    length = len(names) // gcd(len(names), batch_size)

    counts = Counter(drawn(keys, batch_size, seed, cycle * length, length))

    assert set(counts) == names
    assert len(set(counts.values())) == 1


@given(groups, sizes, seeds)
def test_nobody_of_a_group_comes_again_before_all_of_it_have_come(keys: list[str], batch_size: int, seed: int):
    positions = np.concatenate([stratified_batch_sampling(keys, batch_size, seed, step) for step in range(20)])

    for name in set(keys):
        visits = [position for position in positions if keys[position] == name]
        members = keys.count(name)
        for first in range(0, len(visits), members):
            visited = visits[first : first + members]
            assert len(set(visited)) == len(visited)


@given(groups, sizes, seeds)
def test_uniform_visits_everybody_before_anybody_again(keys: list[str], batch_size: int, seed: int):
    positions = np.concatenate([uniform(keys, batch_size, seed, step) for step in range(10)])

    for first in range(0, len(positions), len(keys)):
        visited = positions[first : first + len(keys)].tolist()
        assert len(set(visited)) == len(visited)


@given(groups, sizes, seeds, steps)
def test_uniform_does_not_look_at_the_keys(keys: list[str], batch_size: int, seed: int, step: int):
    blind = [""] * len(keys)

    np.testing.assert_array_equal(uniform(keys, batch_size, seed, step), uniform(blind, batch_size, seed, step))


@pytest.mark.parametrize("sampler", [uniform, stratified_batch_sampling])
@given(keys=groups, batch_size=sizes, seed=seeds, step=steps)
def test_a_batch_is_a_function_of_its_arguments(
    sampler: object, keys: list[str], batch_size: int, seed: int, step: int
):
    first, again = sampler(keys, batch_size, seed, step), sampler(list(keys), batch_size, seed, step)

    np.testing.assert_array_equal(first, again)
    assert first.shape == (batch_size,)
    assert first.min() >= 0
    assert first.max() < len(keys)


@pytest.mark.parametrize("sampler", [uniform, stratified_batch_sampling])
def test_another_seed_is_another_order(sampler: object):
    keys = ["A"] * 20 + ["B"] * 20

    assert sampler(keys, 20, 0, 0).tolist() != sampler(keys, 20, 1, 0).tolist()


def test_the_order_changes_from_pass_to_pass():
    keys = ["A"] * 12

    passes = {tuple(stratified_batch_sampling(keys, 12, 0, step)) for step in range(5)}

    assert len(passes) == 5


def test_renaming_the_groups_in_order_changes_no_count():
    keys = ["A"] * 30 + ["B"] * 3

    assert Counter(drawn(keys, 8, 0, 0, 10)) == {"A": 40, "B": 40}


def test_a_batch_of_the_paper_is_balanced_although_the_cohort_is_not():
    # six groups, as many training subjects as in the embedded cohort
    counts = {"A": 256, "B": 10, "C": 22, "D": 13, "E": 5, "F": 14}
    keys = [name for name, count in counts.items() for _ in range(count)]

    assert Counter(drawn(keys, 24, 0, 0, 1)) == dict.fromkeys("ABCDEF", 4)
    share = Counter(keys[position] for step in range(100) for position in uniform(keys, 24, 0, step))["A"] / 2400
    assert share == pytest.approx(0.8, abs=0.01)
