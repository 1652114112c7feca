"""A drawn cohort is split in the same proportion in each group, depending only on its subjects and the seed."""

from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError
from faircmr.mitigation import BalancedCohort, SizeMatchedCohort
from faircmr.mitigation.cohorts import split_training_validation
from tests.mitigation.pools import PAPER, counts, group_sizes, pool_of, pools

fractions = st.floats(0.01, 0.99)


def of(parts, split):
    return [subject_id for subject_id, part in parts.items() if part == split]


@pytest.mark.parametrize("within", [(), ("sex",)])
@pytest.mark.parametrize("seed", range(5))
def test_the_papers_522_are_417_and_105(seed, within):
    drawn = pool_of(dict.fromkeys(PAPER, 87))

    parts = split_training_validation(drawn, BalancedCohort(seed=seed), within)

    assert Counter(parts.values()) == {"train": 417, "validation": 105}
    assert set(counts(drawn, of(parts, "validation"), "protected_group").values()) == {17, 18}


@given(group_sizes, fractions, st.integers(0, 9))
def test_each_group_has_its_share_and_keeps_somebody_to_train_on(sizes, fraction, seed):
    drawn = pool_of(sizes)

    parts = split_training_validation(drawn, SizeMatchedCohort(validation_fraction=fraction, seed=seed))

    validating = counts(drawn, of(parts, "validation"), "protected_group")
    total = ceil(fraction * len(drawn) - 1e-9)
    assert parts.keys() == set(drawn["subject_id"])
    assert sum(validating.values()) == min(total, len(drawn) - len(sizes))
    assert counts(drawn, of(parts, "train"), "protected_group").keys() == sizes.keys()


@given(st.integers(2, 30), st.integers(1, 6), fractions, st.integers(0, 9))
def test_groups_of_one_size_are_divided_alike_to_one_subject(size, groups, fraction, seed):
    drawn = pool_of(dict.fromkeys("ABCDEF"[:groups], size))

    parts = split_training_validation(drawn, BalancedCohort(validation_fraction=fraction, seed=seed))

    training = counts(drawn, of(parts, "train"), "protected_group").values()
    assert max(training) - min(training) <= 1


@given(st.integers(2, 30), st.integers(1, 4), fractions, st.integers(0, 9))
def test_what_is_balanced_within_groups_stays_balanced_in_training(size, groups, fraction, seed):
    drawn = pool_of(dict.fromkeys("ABCD"[:groups], 2 * size))

    parts = split_training_validation(drawn, BalancedCohort(validation_fraction=fraction, seed=seed), ("sex",))

    training = counts(drawn, of(parts, "train"), "protected_group", "sex")
    for group in "ABCD"[:groups]:
        assert abs(training.get((group, "F"), 0) - training.get((group, "M"), 0)) <= 1


@given(pools, st.integers(0, 9), st.integers(0, 9))
def test_does_not_depend_on_the_order_of_rows(drawn, seed, shuffle):
    shuffled = drawn.sample(frac=1, random_state=shuffle)
    cohort = BalancedCohort(seed=seed)

    assert split_training_validation(shuffled, cohort, ("sex",)) == split_training_validation(drawn, cohort, ("sex",))


def test_the_seed_chooses_who_validates_and_which_group_has_one_more():
    drawn = pool_of({"A": 6, "B": 6})

    by_seed = [of(split_training_validation(drawn, BalancedCohort(seed=seed)), "validation") for seed in range(20)]

    assert len({tuple(one) for one in by_seed}) > 10
    assert {tuple(counts(drawn, one, "protected_group").items()) for one in by_seed} == {
        (("A", 2), ("B", 1)),
        (("A", 1), ("B", 2)),
    }


def test_groups_of_one_subject_train():
    assert set(split_training_validation(pool_of({"A": 1, "B": 1}), BalancedCohort()).values()) == {"train"}


def test_a_missing_value_is_counted():
    with pytest.raises(InvalidCohortError, match="attribute 'sex': missing for 2 of 2 subjects"):
        split_training_validation(pool_of({"A": 2}).assign(sex=None), BalancedCohort(), ("sex",))
