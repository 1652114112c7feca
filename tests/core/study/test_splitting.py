"""Splits keep what they promise for every cohort: shares, minima, folds, and who is where."""

import logging

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from faircmr.core import InvalidSplitError
from faircmr.core.study import SPLITS, SplitParameters, check_splits, schema_named
from faircmr.core.study.splitting import split_subjects

group_sizes = st.dictionaries(st.sampled_from("ABCDEF"), st.integers(8, 40), min_size=1)
methods = st.sampled_from(["random", "stratified", "kfold"])


NOT_GIVEN = schema_named("splits").empty()


def split(subjects, parameters, given=NOT_GIVEN):
    return split_subjects(subjects, parameters, given)


def subjects_of(sizes):
    groups = [group for group, size in sizes.items() for _ in range(size)]
    keys = [f"sub-{number:04d}" for number in range(1, len(groups) + 1)]
    return pd.DataFrame({"subject_id": keys, "protected_group": groups})


def counts(splits, subjects, split):
    chosen = splits.loc[splits["split"] == split, ["subject_id"]].merge(subjects)
    return chosen["protected_group"].value_counts().to_dict()


@given(group_sizes, methods, st.integers(0, 5))
def test_divides_everybody_and_nobody_twice(sizes, method, seed):
    subjects = subjects_of(sizes)

    splits = split(subjects, SplitParameters(method=method, seed=seed, min_test_per_group=0))

    check_splits(splits, subjects)
    assert set(splits["split"]) <= set(SPLITS)


@given(group_sizes, methods, st.randoms(use_true_random=False))
def test_does_not_depend_on_the_order_of_the_subjects(sizes, method, random):
    subjects = subjects_of(sizes)
    parameters = SplitParameters(method=method, min_test_per_group=0)
    shuffled = subjects.sample(frac=1, random_state=random.randrange(100))

    pd.testing.assert_frame_equal(split(shuffled, parameters), split(subjects, parameters))


def test_depends_on_the_seed():
    subjects = subjects_of({"A": 40})

    first, second = (split(subjects, SplitParameters(seed=seed)) for seed in (0, 1))

    assert not first.equals(second)


@given(group_sizes)
def test_stratified_takes_its_share_of_each_group_and_never_less_than_the_minimum(sizes):
    subjects = subjects_of(sizes)

    splits = split(
        subjects,
        SplitParameters(test_fraction=0.25, validation_fraction=0.1, min_test_per_group=3, min_validation_per_group=2),
    )

    assert counts(splits, subjects, "test") == {group: max(int(size / 4 + 0.5), 3) for group, size in sizes.items()}
    assert counts(splits, subjects, "validation") == {
        group: max(int(size / 10 + 0.5), 2) for group, size in sizes.items()
    }


def test_stratified_gives_back_the_pool_that_minima_alone_leave():
    # as the embedded cohort is made: training subjects of each group, and 3 + 20 more
    training = {"A": 256, "B": 10, "E": 5}
    subjects = subjects_of({group: count + 23 for group, count in training.items()})

    splits = split(
        subjects,
        SplitParameters(test_fraction=0, validation_fraction=0, min_test_per_group=20, min_validation_per_group=3),
    )

    assert counts(splits, subjects, "train") == training


def test_a_subject_that_joins_one_group_moves_nobody_of_another():
    parameters = SplitParameters()
    before = subjects_of({"A": 30, "B": 20})
    after = pd.concat([before, pd.DataFrame({"subject_id": ["sub-0999"], "protected_group": ["B"]})])

    of_a = before.loc[before["protected_group"] == "A", "subject_id"]
    first, second = (split(subjects, parameters).set_index("subject_id") for subjects in (before, after))

    pd.testing.assert_frame_equal(first.loc[of_a], second.loc[of_a])


@pytest.mark.parametrize("method", ["stratified", "kfold"])
def test_names_the_group_that_is_too_small(method):
    subjects = subjects_of({"A": 40, "B": 4})

    with pytest.raises(
        InvalidSplitError, match=r"protected group 'B': 4 subjects; at least \d+: .*split\.min_"
    ) as error:
        split(
            subjects,
            SplitParameters(method=method, min_test_per_group=3, min_validation_per_group=3, validation_fraction=0.0),
        )
    assert "sub-" not in str(error.value)


@given(group_sizes, st.integers(2, 5))
def test_kfold_tests_everybody_once_in_folds_of_one_size_and_one_mixture(sizes, folds):
    subjects = subjects_of(sizes)

    splits = split(subjects, SplitParameters(method="kfold", folds=folds))

    tested = splits[splits["split"] == "test"].merge(subjects)
    by_group = tested.groupby(["protected_group", "fold"]).size().unstack(fill_value=0)
    assert sorted(tested["subject_id"]) == sorted(subjects["subject_id"])
    assert (by_group.max(axis=1) - by_group.min(axis=1)).max() <= 1
    assert by_group.sum().max() - by_group.sum().min() <= 1


def test_kfold_carves_validation_from_who_is_not_tested_and_differently_in_each_fold():
    subjects = subjects_of({"A": 50, "B": 20})

    splits = split(subjects, SplitParameters(method="kfold", validation_fraction=0.25))

    validating = {
        fold: frozenset(rows["subject_id"]) for fold, rows in splits[splits["split"] == "validation"].groupby("fold")
    }
    assert {fold: len(members) for fold, members in validating.items()} == dict.fromkeys(range(5), 10 + 4)
    assert len(set(validating.values())) == 5


def test_random_takes_its_share_of_everybody():
    subjects = subjects_of({"A": 70, "B": 30})

    splits = split(subjects, SplitParameters(method="random", test_fraction=0.2, validation_fraction=0.1))

    assert splits["split"].value_counts().to_dict() == {"train": 70, "test": 20, "validation": 10}


def test_random_warns_of_a_group_that_is_hardly_tested(caplog):
    with caplog.at_level(logging.WARNING):
        split(subjects_of({"A": 98, "B": 2}), SplitParameters(method="random", min_test_per_group=15))

    warned = [record.getMessage() for record in caplog.records]
    assert len(warned) == 1
    assert "protected group B has" in warned[0]
    assert "fewer than 15" in warned[0]


FROM_FILE = SplitParameters(method="from_file")


def test_takes_given_splits_whatever_their_order():
    given = pd.DataFrame(
        {"split": ["test", "train", "validation"], "subject_id": ["sub-0003", "sub-0001", "sub-0002"], "note": "x"}
    )

    splits = split(subjects_of({"A": 3}), FROM_FILE, given)

    assert splits.to_dict("list") == {
        "subject_id": ["sub-0001", "sub-0002", "sub-0003"],
        "split": ["train", "validation", "test"],
    }


def test_takes_given_folds():
    given = pd.DataFrame(
        {"subject_id": ["sub-0001", "sub-0002"] * 2, "split": ["test", "train", "train", "test"], "fold": [0, 0, 1, 1]}
    )

    assert split(subjects_of({"A": 2}), FROM_FILE, given)["fold"].tolist() == [0, 0, 1, 1]


def test_says_where_splits_are_expected_when_none_are_given():
    with pytest.raises(InvalidSplitError, match=r"splits\.csv: missing or empty; .*01_raw"):
        split(subjects_of({"A": 1}), FROM_FILE, NOT_GIVEN)


def test_refuses_given_splits_of_other_subjects_and_names_none_of_them():
    given = pd.DataFrame({"subject_id": ["7234567"], "split": ["train"]})

    with pytest.raises(InvalidSplitError, match="1 are unknown") as error:
        split(subjects_of({"A": 1}), FROM_FILE, given)
    assert "7234567" not in str(error.value)


@pytest.mark.parametrize(
    "values",
    [
        {"test_fraction": 0.6, "validation_fraction": 0.4},
        {"folds": 1, "method": "kfold"},
        {"tests": 3},
    ],
    ids=["nobody trains", "one fold", "misspelt"],
)
def test_parameters_refuse_what_cannot_be_meant(values):
    with pytest.raises(ValidationError):
        SplitParameters(**values)
