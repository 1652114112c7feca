"""What is reported of a classifier of the protected group, counted by hand on small tables."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from faircmr.core import InvalidScoresError
from faircmr.fairness.inference import clustered_proportion
from faircmr.fairness.metrics import confusion_matrix
from faircmr.fairness.metrics.classification import classification_report, classify

GROUPS = ("A", "B", "C")
SURE, LIKELY = 0.98, 0.6


def said(group: str, probability: float = SURE) -> dict[str, float]:
    """Log-probabilities that name a group; the others have the rest in equal parts."""
    rest = (1.0 - probability) / (len(GROUPS) - 1)
    return {f"log_probability_{one}": np.log(probability if one == group else rest) for one in GROUPS}


def table_of(subjects: list[tuple[str, str]], probability: float = SURE) -> pd.DataFrame:
    """One row a letter: each subject has a true group, and one named in each slice (half of them ED)."""
    rows = [
        {"subject_id": f"sub-{number:04}", "phase": ("ED", "ES")[place % 2], "slice_index": place // 2}
        | {"protected_group": truth}
        | said(named, probability)
        for number, (truth, slices) in enumerate(subjects, start=1)
        for place, named in enumerate(slices)
    ]
    return pd.DataFrame(rows)


# subjects: A is named A, A, B; B is named B; slices: 8 of 12 right
SMALL = [("A", "AAAB"), ("A", "AA"), ("A", "BBB"), ("B", "BBA")]


def measured(report: pd.DataFrame, level: str = "subject") -> pd.DataFrame:
    return report[report["level"] == level].set_index(["group", "measure"])


@pytest.mark.parametrize(
    ("level", "values"),
    {
        "subject": {
            ("all", "accuracy"): (3 / 4, 4),
            ("all", "balanced_accuracy"): ((2 / 3 + 1) / 2, 4),
            ("all", "majority_rate"): (3 / 4, 4),
            ("A", "precision"): (1.0, 2),
            ("A", "recall"): (2 / 3, 3),
            ("B", "precision"): (1 / 2, 2),
            ("B", "recall"): (1.0, 1),
        },
        "slice": {
            ("all", "accuracy"): (7 / 12, 12),
            ("all", "balanced_accuracy"): ((5 / 9 + 2 / 3) / 2, 12),
            ("all", "majority_rate"): (9 / 12, 12),
            ("A", "precision"): (5 / 6, 6),
            ("A", "recall"): (5 / 9, 9),
            ("B", "precision"): (2 / 6, 6),
            ("B", "recall"): (2 / 3, 3),
        },
    }.items(),
    ids=str,
)
def test_measures_are_those_counted_by_hand(level, values):
    found = measured(classification_report(table_of(SMALL)), level)

    for key, (value, n) in values.items():
        assert found.loc[key, "value"] == pytest.approx(value), key
        assert found.loc[key, "n"] == n, key


def test_confusion_matrix_counts_true_groups_in_rows_and_those_named_in_columns():
    by_subject, by_slice = confusion_matrix(table_of(SMALL)), confusion_matrix(table_of(SMALL), "slice")

    assert by_subject.to_numpy().tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert by_slice.to_numpy().tolist() == [[5, 4, 0], [1, 2, 0], [0, 0, 0]]
    assert list(by_subject.index) == list(by_subject.columns) == list(GROUPS)
    assert (by_subject.index.name, by_subject.columns.name) == ("protected_group", "predicted_group")


def test_a_group_never_named_and_without_subjects_is_nan_and_counted():
    found = measured(classification_report(table_of(SMALL)))

    assert found.loc[[("C", "precision"), ("C", "recall")], ["value", "low", "high"]].isna().all(axis=None)
    assert found.loc[[("C", "precision"), ("C", "recall")], "n"].tolist() == [0, 0]
    assert found.loc[("all", "never_predicted"), "value"] == found.loc[("all", "without_subjects"), "value"] == 1


def test_rows_are_those_of_subjects_and_then_of_slices():
    report = classification_report(table_of(SMALL), training_majority="B")

    assert list(report.columns) == ["level", "group", "measure", "value", "low", "high", "n"]
    of_all = ["accuracy", "balanced_accuracy", "majority_rate", "training_majority_rate"]
    names = [("all", name) for name in (*of_all, "never_predicted", "without_subjects")]
    names += [(group, name) for group in GROUPS for name in ("precision", "recall")]
    assert list(zip(report["group"], report["measure"], strict=True)) == 2 * names
    assert report["level"].tolist() == ["subject"] * len(names) + ["slice"] * len(names)


def test_the_majority_of_the_training_subjects_need_not_be_that_of_the_tested():
    found = measured(classification_report(table_of(SMALL), training_majority="B"))

    assert found.loc[("all", "training_majority_rate"), "value"] == 1 / 4
    assert found.loc[("all", "majority_rate"), "value"] == 3 / 4


def test_intervals_by_subject_are_wilson_s():
    report = measured(classification_report(table_of([("A", "A")] * 30 + [("A", "B")] * 5 + [("B", "B")] * 10)))

    for key, hits in {("all", "accuracy"): 40, ("A", "recall"): 30, ("B", "precision"): 10}.items():
        expected = binomtest(hits, int(report.loc[key, "n"])).proportion_ci(method="wilson")
        assert report.loc[key, ["low", "high"]].tolist() == pytest.approx([expected.low, expected.high])


def test_slices_of_one_subject_do_not_count_as_so_many_subjects():
    subjects = [("A", "A" * 10)] * 12 + [("B", "A" * 10)] * 8

    report = classification_report(table_of(subjects))

    by_slice, by_subject = (measured(report, level).loc[("all", "accuracy")] for level in ("slice", "subject"))
    assert (by_slice["value"], by_slice["n"]) == (0.6, 200)
    expected = clustered_proportion([10] * 12 + [0] * 8, [10] * 20)
    assert by_slice[["low", "high"]].tolist() == [expected.low, expected.high]
    assert by_slice["high"] - by_slice["low"] >= by_subject["high"] - by_subject["low"]


def test_a_subject_is_what_its_slices_say_together_and_not_what_most_of_them_say():
    doubtful = table_of([("A", "BB"), ("B", "BB")], LIKELY)
    certain = table_of([("A", "A"), ("B", "B")], 0.999).assign(slice_index=7)

    assert classify(pd.concat([doubtful, certain]), "subject")["predicted_group"].tolist() == ["A", "B"]
    assert confusion_matrix(doubtful).loc["A", "B"] == 1


def test_trainings_that_classified_the_same_slice_decide_together_and_count_once():
    first = table_of([("A", "BB"), ("B", "BB")], LIKELY).assign(seed=0)
    second = table_of([("A", "AA"), ("B", "BB")], SURE).assign(seed=1)

    classified = classify(pd.concat([first, second], ignore_index=True), "slice")

    assert classified["predicted_group"].tolist() == ["A", "A", "B", "B"]


def test_of_equally_probable_groups_the_first_is_named():
    undecided = table_of([("C", "A"), ("B", "A")], 1 / 3)

    assert classify(undecided, "subject")["predicted_group"].tolist() == ["A", "A"]


some_subjects = st.lists(
    st.tuples(st.sampled_from("ABC"), st.text("ABC", min_size=1, max_size=5)), min_size=2, max_size=10
).filter(lambda subjects: len({truth for truth, _ in subjects}) > 1)


@settings(max_examples=20)  # each is some reports, and a report some milliseconds
@given(some_subjects, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_does_not_matter(subjects, random):
    table = table_of(subjects)
    columns = random.sample(list(table.columns), table.shape[1])
    shuffled = table.sample(frac=1.0, random_state=random.randrange(1000))[columns]

    pd.testing.assert_frame_equal(classification_report(shuffled), classification_report(table))


@settings(max_examples=20)
@given(some_subjects)
def test_accuracy_is_the_diagonal_and_balanced_accuracy_the_mean_recall(subjects):
    table = table_of(subjects)
    counts, found = confusion_matrix(table, "slice"), measured(classification_report(table), "slice")

    assert found.loc[("all", "accuracy"), "value"] == pytest.approx(np.trace(counts) / counts.to_numpy().sum())
    recall = [found.loc[(group, "recall"), "value"] for group in GROUPS]
    assert found.loc[("all", "balanced_accuracy"), "value"] == pytest.approx(np.nanmean(recall))


def test_takes_categories_and_further_columns():
    table = table_of(SMALL)
    categories = table.astype({"protected_group": "category", "phase": "category"}).assign(strategy="fair")

    pd.testing.assert_frame_equal(classification_report(categories), classification_report(table))


def with_value(column: str, value: object) -> pd.DataFrame:
    table = table_of(SMALL)
    table[column] = [value, *table[column].tolist()[1:]]
    return table


GOOD = table_of(SMALL)
REFUSED = {
    "no rows": (GOOD.iloc[:0], "no rows"),
    "a name is missing": (with_value("phase", None), "1 of 12 rows lack a name or group"),
    "a group is missing": (with_value("protected_group", None), "1 of 12 rows lack a name or group"),
    "a column is missing": (GOOD.drop(columns="slice_index"), "no column 'slice_index'"),
    "not a number": (with_value("log_probability_B", np.nan), "1 of 12 rows have a log-probability that is no number"),
    "infinite": (with_value("log_probability_B", -np.inf), "1 of 12 rows have a log-probability that is no number"),
    "logits": (with_value("log_probability_B", 1000.0), "1 of 12 rows have probabilities that do not sum to 1"),
    "a row repeats": (pd.concat([GOOD, GOOD.iloc[:2]]), "2 of 14 rows repeat another"),
    "two groups of a subject": (with_value("protected_group", "B"), "1 subjects have two groups"),
    "one group of subjects": (table_of([("A", "AB"), ("A", "A")]), "subjects of one protected group alone (A)"),
    "a group unknown to it": (table_of([("A", "A"), ("D", "A")]), "no column of D"),
    "one group named": (
        GOOD[["subject_id", "phase", "slice_index", "protected_group", "log_probability_A"]],
        "1 columns of log-probabilities",
    ),
}


@pytest.mark.parametrize(("table", "message"), REFUSED.values(), ids=REFUSED)
def test_refuses_a_table_that_cannot_be_used_and_says_why(table, message):
    for reads in (classification_report, confusion_matrix):
        with pytest.raises(InvalidScoresError, match=re.escape(message)):
            reads(table)


def test_refuses_a_training_majority_that_the_classifier_does_not_know():
    with pytest.raises(InvalidScoresError, match=r"training_majority: 'D'; one of: A, B, C"):
        classification_report(GOOD, training_majority="D")


def test_a_slice_may_repeat_in_another_training_alone():
    twice = pd.concat([GOOD.assign(seed=None), GOOD.assign(seed=None)], ignore_index=True)

    with pytest.raises(InvalidScoresError, match=r"12 of 24 rows repeat another.*slice_index, seed once"):
        classification_report(twice)
