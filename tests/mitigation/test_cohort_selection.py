"""Training and validation subjects of a strategy."""

import logging

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError, InvalidParameterError, InvalidSplitError
from faircmr.core.study import SplitParameters, split_subjects
from faircmr.mitigation import StrategyParameters, select_training_cohort
from faircmr.mitigation.cohorts import check_no_test_subjects
from tests.mitigation.pools import PAPER, counts, pool_of, pool_of_people, with_a_majority

BASELINE = StrategyParameters(name="baseline")
SUBJECTS = pd.DataFrame({"subject_id": ["a", "b", "c", "d"], "protected_group": ["A", "B", "A", "B"], "age": 50})
COHORTS = {
    "balanced": {"kind": "balanced", "within": ["sex"], "too_few": "relax"},
    "size_matched": "size_matched",
    "smallest_share": {"kind": "smallest_share", "share": 0.25},
}
drawn_kinds = pytest.mark.parametrize("cohort", COHORTS.values(), ids=COHORTS)
# each example draws and divides several folds
a_few = settings(max_examples=10)


def splits_of(*split: str) -> pd.DataFrame:
    return pd.DataFrame({"subject_id": ["a", "b", "c", "d"], "split": split})


def strategy_of(cohort: object, **axes: object) -> StrategyParameters:
    return StrategyParameters(name="balanced", cohort=cohort, **axes)


def split(subjects: pd.DataFrame, method: str, seed: int = 0) -> pd.DataFrame:
    return split_subjects(subjects, SplitParameters(method=method, folds=4, seed=seed), pd.DataFrame())


def test_natural_takes_everybody_who_is_not_tested_with_their_group():
    cohort = select_training_cohort(splits_of("train", "validation", "test", "unused"), SUBJECTS, BASELINE)

    assert cohort.to_dict("list") == {
        "subject_id": ["a", "b"],
        "split": ["train", "validation"],
        "protected_group": ["A", "B"],
    }


def test_natural_leaves_the_rows_in_their_order():
    backwards = splits_of("train", "train", "train", "validation")[::-1]

    assert select_training_cohort(backwards, SUBJECTS, BASELINE)["subject_id"].tolist() == ["d", "c", "b", "a"]


def test_each_fold_has_its_own_subjects():
    first, second = splits_of("train", "train", "test", "test"), splits_of("test", "test", "train", "train")
    folds = pd.concat([first.assign(fold=0), second.assign(fold=1)])

    cohort = select_training_cohort(folds, SUBJECTS, BASELINE)

    assert cohort[["subject_id", "fold"]].to_numpy().tolist() == [["a", 0], ["b", 0], ["c", 1], ["d", 1]]


def test_the_papers_balanced_database():
    subjects = pool_of(PAPER)
    # all who train or validate in the paper: 4,723 and 590
    splits = subjects[["subject_id"]].assign(split=["train"] * 4723 + ["validation"] * 590)

    cohort = select_training_cohort(splits, subjects, strategy_of({"kind": "balanced", "within": ["sex"]}))

    assert list(cohort.columns) == ["subject_id", "split", "protected_group", "sex"]
    assert cohort["split"].value_counts().to_dict() == {"train": 417, "validation": 105}
    assert cohort["protected_group"].value_counts().to_dict() == dict.fromkeys(PAPER, 87)
    assert all(sorted(sexes.value_counts()) == [43, 44] for _, sexes in cohort.groupby("protected_group")["sex"])
    assert cohort["subject_id"].is_monotonic_increasing


@drawn_kinds
@a_few
@given(with_a_majority, st.sampled_from(["random", "stratified", "kfold"]), st.integers(0, 9))
def test_nobody_is_drawn_who_is_tested_or_unused(cohort, subjects, method, seed):
    splits = split(subjects, method, seed)

    drawn = select_training_cohort(splits, subjects, strategy_of(cohort))

    keys = [*(["fold"] if method == "kfold" else []), "subject_id"]
    before = drawn.merge(splits, on=keys, suffixes=("", "_before"), validate="one_to_one")
    assert len(before) == len(drawn) > 0
    assert set(before["split_before"]) <= {"train", "validation"}
    assert drawn[keys].equals(drawn[keys].sort_values(keys))


@a_few
@given(with_a_majority, st.integers(0, 9))
def test_the_three_drawn_cohorts_have_one_size_in_every_fold(subjects, seed):
    splits = split(subjects, "kfold", seed)

    sizes = [
        select_training_cohort(splits, subjects, strategy_of(cohort)).groupby("fold").size().tolist()
        for cohort in COHORTS.values()
    ]

    assert sizes[0] == sizes[1] == sizes[2]
    assert len(sizes[0]) == 4


@drawn_kinds
@a_few
@given(with_a_majority, st.integers(0, 9))
def test_a_fold_is_drawn_as_if_there_were_no_other(cohort, subjects, seed):
    splits = split(subjects, "kfold", seed)
    alone = splits[splits["fold"] == 2]

    drawn = select_training_cohort(splits, subjects, strategy_of(cohort))

    of_fold = drawn[drawn["fold"] == 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(of_fold, select_training_cohort(alone, subjects, strategy_of(cohort)))
    without = select_training_cohort(alone.drop(columns="fold"), subjects, strategy_of(cohort))
    pd.testing.assert_frame_equal(of_fold.drop(columns="fold"), without)


@drawn_kinds
@a_few
@given(with_a_majority, st.integers(0, 99))
def test_does_not_depend_on_the_order_of_rows(cohort, subjects, shuffle):
    splits = split(subjects, "kfold")
    shuffled = (table.sample(frac=1, random_state=shuffle) for table in (splits, subjects))

    pd.testing.assert_frame_equal(
        select_training_cohort(*shuffled, strategy_of(cohort)),
        select_training_cohort(splits, subjects, strategy_of(cohort)),
    )


def test_the_division_of_the_study_between_training_and_validation_is_not_looked_at():
    subjects = pool_of({"A": 20, "B": 10})
    ways = [
        subjects[["subject_id"]].assign(split=parts)
        for parts in (["train"] * 15 + ["validation"] * 15, ["validation"] * 15 + ["train"] * 15)
    ]

    first, second = (select_training_cohort(way, subjects, strategy_of("balanced")) for way in ways)

    pd.testing.assert_frame_equal(first, second)


def test_a_group_that_only_tests_takes_no_part_in_the_draw():
    subjects = pool_of({"A": 6, "B": 4, "C": 2})
    splits = subjects[["subject_id"]].assign(split=["train"] * 10 + ["test"] * 2)

    cohort = select_training_cohort(splits, subjects, strategy_of("balanced"))

    assert counts(cohort, cohort["subject_id"], "protected_group") == {"A": 4, "B": 4}


def test_attributes_of_the_sampler_stand_in_the_table_too_and_each_once():
    subjects = pool_of({"A": 4, "B": 4}).assign(centre=[1, 2] * 4)
    splits = subjects[["subject_id"]].assign(split="train")
    sampler = {"kind": "stratified_batch_sampling", "within": ["centre", "sex"]}

    of_sampler = select_training_cohort(splits, subjects, strategy_of("natural", sampler=sampler))
    of_both = select_training_cohort(splits, subjects, strategy_of(COHORTS["balanced"], sampler=sampler))

    assert list(of_sampler.columns) == ["subject_id", "split", "protected_group", "centre", "sex"]
    assert list(of_both.columns) == ["subject_id", "split", "protected_group", "sex", "centre"]


def test_relaxed_shortages_of_all_folds_are_one_warning_that_names_nobody(caplog):
    subjects = pool_of_people([("A", "M")] * 8 + [("B", "F"), ("B", "M")] * 4)
    folds = [
        subjects[["subject_id"]].assign(split=["test" if place % 4 == fold else "train" for place in range(16)])
        for fold in (0, 1)
    ]
    splits = pd.concat([table.assign(fold=fold) for fold, table in enumerate(folds)])

    with caplog.at_level(logging.WARNING):
        select_training_cohort(splits, subjects, strategy_of(COHORTS["balanced"]))

    assert [record.getMessage() for record in caplog.records] == [
        (
            "balanced: 8 of 24 places in the balanced cohort are filled with another value of sex: "
            "their protected group has too few subjects of the value"
        )
    ]


def test_too_few_of_a_value_are_an_error():
    subjects = pool_of_people([("A", "M")] * 8 + [("B", "F"), ("B", "M")] * 2)
    splits = subjects[["subject_id"]].assign(split="train")

    with pytest.raises(InvalidCohortError, match="protected group 'A': 0 subjects of sex 'F'; 2, so that"):
        select_training_cohort(splits, subjects, strategy_of({"kind": "balanced", "within": ["sex"]}))


@pytest.mark.parametrize(
    "axes",
    [
        {"cohort": {"kind": "balanced", "within": ["sex"]}},
        {"cohort": "natural", "sampler": {"kind": "stratified_batch_sampling", "within": ["sex"]}},
    ],
    ids=["cohort", "sampler"],
)
def test_missing_values_are_an_error_where_they_are_needed_and_not_of_those_who_are_tested(axes):
    subjects = pool_of({"A": 4, "B": 4})
    splits = subjects[["subject_id"]].assign(split=["test", *["train"] * 7])
    only_tested = subjects.assign(sex=subjects["sex"].where(splits["split"] != "test"))

    select_training_cohort(splits, only_tested, strategy_of(**axes))
    with pytest.raises(InvalidCohortError, match="attribute 'sex': missing for 7 of 7 subjects"):
        select_training_cohort(splits, subjects.assign(sex=None), strategy_of(**axes))


def test_an_unknown_attribute_is_an_error_that_names_the_nearest():
    with pytest.raises(InvalidParameterError, match=r"within: 'agee'; .*: age; did you mean 'age'\?"):
        select_training_cohort(
            splits_of(*["train"] * 4), SUBJECTS, strategy_of({"kind": "balanced", "within": ["agee"]})
        )


def test_nobody_to_train_on_is_an_error():
    with pytest.raises(InvalidSplitError, match="training cohort of baseline: no training subject"):
        select_training_cohort(splits_of("validation", "test", "test", "test"), SUBJECTS, BASELINE)


def test_nobody_to_train_on_in_one_fold_is_an_error_that_names_it():
    first, second = splits_of("train", "train", "test", "test"), splits_of("test", "test", "unused", "validation")

    with pytest.raises(InvalidSplitError, match="training cohort of baseline in fold 1: no training subject"):
        select_training_cohort(pd.concat([first.assign(fold=0), second.assign(fold=1)]), SUBJECTS, BASELINE)


def test_splits_of_other_subjects_are_refused():
    with pytest.raises(InvalidSplitError, match="1 subjects of the study are missing"):
        select_training_cohort(splits_of("train", "train", "test", "test")[:3], SUBJECTS, BASELINE)


def test_a_cohort_with_somebody_who_is_tested_is_refused():
    splits = splits_of("train", "train", "test", "test")

    with pytest.raises(InvalidSplitError) as error:
        check_no_test_subjects(splits[["subject_id"]], splits)

    assert str(error.value) == (
        "training cohort: 2 of its subjects are test subjects; no test subject; make the splits and the cohort again"
    )


def test_who_is_tested_in_another_fold_may_be_trained_on():
    splits = pd.concat(
        [
            splits_of("train", "train", "test", "test").assign(fold=0),
            splits_of("test", "test", "train", "train").assign(fold=1),
        ]
    )
    training = splits.loc[splits["split"] == "train", ["subject_id", "fold"]]

    check_no_test_subjects(training, splits)
    with pytest.raises(InvalidSplitError, match="training cohort in fold 0: 2 of its subjects"):
        check_no_test_subjects(training.assign(fold=0), splits)
