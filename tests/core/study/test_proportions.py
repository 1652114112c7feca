"""The induced imbalance has the chosen proportions and leaves out no more subjects than that takes."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from faircmr.core import InvalidParameterError
from faircmr.core.study import CohortSelectionParameters
from faircmr.core.study.splitting import largest_counts, select_in_proportion

available = st.dictionaries(st.sampled_from("ABCD"), st.integers(5, 200), min_size=2)


@pytest.mark.parametrize(
    ("available", "proportions", "expected"),
    [
        # the whole of A sets the size: 16 / 0.8 = 20
        ({"A": 16, "B": 16, "C": 16}, {"A": 0.8, "B": 0.1, "C": 0.1}, {"A": 16, "B": 2, "C": 2}),
        # the rest is divided as it stands: 20 = 10 + 10 of 40 + 40
        ({"A": 80, "B": 40, "C": 40}, {"A": 0.8}, {"A": 80, "B": 10, "C": 10}),
        # here it is the rest that sets the size: 8 / 0.2 = 40
        ({"A": 80, "B": 8}, {"A": 0.8}, {"A": 32, "B": 8}),
        ({"A": 10, "B": 10}, {"A": 1.0}, {"A": 10, "B": 0}),
        ({"A": 10, "B": 10}, {"A": 0.0}, {"A": 0, "B": 10}),
        # a share that comes to less than half a subject is one
        ({"A": 10, "B": 10}, {"A": 0.99, "B": 0.01}, {"A": 10, "B": 1}),
    ],
)
def test_finds_the_largest_training_set(available, proportions, expected):
    assert largest_counts(available, proportions) == expected


@given(available, st.floats(0.05, 0.95))
def test_never_takes_more_than_there_are_and_uses_up_one_group(available, share):
    first = min(available)

    kept = largest_counts(available, {first: share})

    assert all(1 <= kept[group] <= available[group] for group in available)
    assert kept[first] == available[first] or all(
        kept[group] == available[group] for group in available if group != first
    )
    # each group is rounded to a whole subject
    assert abs(kept[first] - share * sum(kept.values())) <= len(available)


def test_leaves_validation_and_test_alone_and_everybody_in_the_table():
    splits = pd.DataFrame(
        {"subject_id": list("abcdef"), "split": ["train", "train", "train", "train", "validation", "test"]}
    )
    subjects = pd.DataFrame({"subject_id": list("abcdef"), "protected_group": list("AABBAB")})

    kept = select_in_proportion(splits, subjects, CohortSelectionParameters(proportions={"A": 0.9}))

    changed = kept["split"] != splits["split"]
    assert kept["subject_id"].tolist() == list("abcdef")
    assert set(splits["split"][changed]) == {"train"}
    assert set(kept["split"][changed]) == {"unused"}
    assert subjects.loc[changed, "protected_group"].tolist() == ["B"]


def test_names_the_nearest_group_of_a_name_that_is_none():
    splits = pd.DataFrame({"subject_id": ["a", "b"], "split": "train"})
    subjects = pd.DataFrame({"subject_id": ["a", "b"], "protected_group": ["DCM", "NOR"]})

    with pytest.raises(InvalidParameterError, match="no protected group 'DCN'; one of: DCM, NOR; did you mean 'DCM'"):
        select_in_proportion(splits, subjects, CohortSelectionParameters(proportions={"DCN": 0.8}))


def test_refuses_shares_of_all_groups_that_leave_some_over():
    splits = pd.DataFrame({"subject_id": ["a", "b"], "split": "train"})
    subjects = pd.DataFrame({"subject_id": ["a", "b"], "protected_group": ["A", "B"]})

    with pytest.raises(InvalidParameterError, match=r"all groups together have 0\.9; a sum of 1"):
        select_in_proportion(splits, subjects, CohortSelectionParameters(proportions={"A": 0.8, "B": 0.1}))


def test_keeps_everybody_where_no_proportions_are_asked_for():
    splits = pd.DataFrame({"subject_id": ["a", "b"], "split": ["train", "test"]})
    subjects = pd.DataFrame({"subject_id": ["a", "b"], "protected_group": ["A", "B"]})

    assert select_in_proportion(splits, subjects, CohortSelectionParameters()) is splits


def test_leaves_out_training_subjects_of_every_fold():
    subjects = pd.DataFrame(
        {"subject_id": [f"sub-{number:04d}" for number in range(60)], "protected_group": ["A", "B", "C"] * 20}
    )
    folds = [
        subjects[["subject_id"]].assign(split=["test" if number // 12 == fold else "train" for number in range(60)])
        for fold in range(5)
    ]
    splits = pd.concat([table.assign(fold=fold) for fold, table in enumerate(folds)], ignore_index=True)

    kept = select_in_proportion(splits, subjects, CohortSelectionParameters(proportions={"A": 0.8, "B": 0.1, "C": 0.1}))

    # 16 of each train: 16 are 80 % of 20, and 10 % of 20 are 2
    training = kept[kept["split"] == "train"].merge(subjects)
    by_fold = training.groupby(["fold", "protected_group"]).size().unstack()
    assert by_fold.drop_duplicates().to_dict("records") == [{"A": 16, "B": 2, "C": 2}]
    assert len(kept) == 5 * len(subjects)


def test_refuses_more_than_everybody():
    with pytest.raises(ValidationError, match="more than 1"):
        CohortSelectionParameters(proportions={"A": 0.8, "B": 0.3})
