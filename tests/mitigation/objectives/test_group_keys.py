"""Names of groups, positions of samples among them, and reweighing weights."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidParameterError
from faircmr.mitigation.objectives import checked_groups, reweighing_weights
from faircmr.mitigation.objectives.group_keys import group_positions

subjects = st.lists(st.sampled_from("ABCDEF"), min_size=1, max_size=200)


def test_weights_by_hand():
    # 8 subjects in 2 groups: 8 / (2 * 6) and 8 / (2 * 2)
    assert reweighing_weights("AAAAAABB") == {"A": pytest.approx(2 / 3), "B": 2.0}


@given(subjects)
def test_weighted_every_group_counts_the_same_and_a_subject_one_on_average(groups: list[str]):
    weights, counts = reweighing_weights(groups), Counter(groups)

    sums = [weights[group] * counts[group] for group in counts]
    assert sums == pytest.approx([len(groups) / len(counts)] * len(counts))
    assert sum(weights[group] for group in groups) / len(groups) == pytest.approx(1)


@given(subjects)
def test_weights_do_not_depend_on_the_order_of_subjects(groups: list[str]):
    assert list(reweighing_weights(groups).items()) == list(reweighing_weights(groups[::-1]).items())


@given(subjects)
def test_where_groups_are_equal_nobody_is_weighted(groups: list[str]):
    assert set(reweighing_weights(sorted(set(groups)) * 3).values()) == {1.0}


def test_a_position_is_that_of_the_samples_group():
    assert group_positions(("B", "A", "B"), ("A", "B")) == [1, 0, 1]
    assert group_positions((), ("A", "B")) == []


@pytest.mark.parametrize("key", ["C", "", "a"])
def test_a_key_that_is_no_group_is_named(key: str):
    with pytest.raises(InvalidParameterError, match=f"'{key}', which is not a group of the objective.*'A', 'B'"):
        group_positions(("A", key), ("A", "B"))


def test_groups_are_as_many_as_are_needed_and_each_once():
    assert checked_groups(["B", "A"], least=2) == ("B", "A")
    with pytest.raises(InvalidParameterError, match=r"protected groups of the training subjects: A; at least 2"):
        checked_groups(["A"], least=2)
    with pytest.raises(InvalidParameterError, match=r"none; at least 1"):
        checked_groups([])
    with pytest.raises(InvalidParameterError, match=r"A, B, A; each name once"):
        checked_groups(["A", "B", "A"])
