"""From long scores to one row a subject, and the refusals on the way."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, InvalidScoresError, StudyMismatchError
from faircmr.fairness.tables import CELLS, attributes_of
from faircmr.fairness.tables.by_subject import subject_scores
from tests.fairness.published import scores_of, subjects_of

ONE, TWO = (90.0, 80.0, 70.0, 60.0, 50.0, 40.0), (99.0, 98.0, 97.0, 96.0, 95.0, 94.0)


def test_a_subject_is_one_row_with_the_columns_of_table_1():
    table = subject_scores(scores_of({"sub-0002": TWO, "sub-0001": ONE}))

    assert table.index.tolist() == ["sub-0001", "sub-0002"]
    assert list(table.columns) == [*CELLS, "Avg"]
    assert table.loc["sub-0001"].tolist() == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.65])


def test_seeds_are_averaged_within_a_subject_first():
    twice_scored = scores_of({"sub-0001": ONE}, seed=1)
    scores = pd.concat([scores_of({"sub-0001": TWO, "sub-0002": ONE}), twice_scored])

    table = subject_scores(scores)

    assert table.loc["sub-0001", list(CELLS)].tolist() == pytest.approx((np.array(ONE) + TWO) / 200)
    assert table["Avg"].mean() == pytest.approx((0.8075 + 0.65) / 2)


def test_a_structure_that_the_study_does_not_have_is_no_column_and_leaves_the_average():
    scores = scores_of({"sub-0001": ONE})

    table = subject_scores(scores[scores["structure"] != "RVBP"])

    assert list(table.columns) == ["ED LVBP", "ED LVM", "ES LVBP", "ES LVM", "Avg"]
    assert table["Avg"].tolist() == pytest.approx([(0.9 + 0.8 + 0.6 + 0.5) / 4])


def test_a_phase_that_the_study_does_not_have_is_no_column_and_leaves_the_average():
    scores = scores_of({"sub-0001": ONE})

    table = subject_scores(scores[scores["phase"] == "ED"])

    assert list(table.columns) == ["ED LVBP", "ED LVM", "ED RVBP", "Avg"]
    assert table["Avg"].tolist() == pytest.approx([(0.9 + 0.8 + 0.7) / 3])


def test_a_structure_that_the_study_has_and_nobody_shows_is_an_empty_column():
    scores = scores_of({"sub-0001": ONE})
    volumes = scores[scores["structure"] == "RVBP"].assign(metric="volume", value=0.0)

    table = subject_scores(pd.concat([scores[scores["structure"] != "RVBP"], volumes]))

    assert list(table.columns) == [*CELLS, "Avg"]
    assert table[["ED RVBP", "ES RVBP"]].isna().all(axis=None)


def test_other_metrics_do_not_count():
    scores = scores_of({"sub-0001": ONE})
    distances = scores.assign(metric="hd95", value=12.0)

    pd.testing.assert_frame_equal(subject_scores(pd.concat([scores, distances])), subject_scores(scores))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda scores: scores.iloc[:0], "no rows of metric dsc"),
        (lambda scores: pd.concat([scores, scores.head(2)]), "each row once"),
        (
            lambda scores: scores.assign(value=100 * scores["value"]),
            "dsc fails in 12 of 12 rows.*divide percentages by 100",
        ),
        (lambda scores: scores.assign(value=np.nan), "column 'value' fails in 12 of 12 rows; a value in every row"),
    ],
    ids=["none", "repeated", "percent", "NaN"],
)
def test_refuses_scores_that_cannot_be_used_and_counts_them(spoil, message):
    with pytest.raises(InvalidScoresError, match=message):
        subject_scores(spoil(scores_of({"sub-0001": ONE, "sub-0002": TWO})))


@pytest.mark.parametrize("column", ["strategy", "study_key"])
def test_refuses_scores_of_two_strategies_or_studies(column):
    scores = scores_of({"sub-0001": ONE, "sub-0002": TWO})
    scores[column] = ["other", *scores[column][1:]]

    with pytest.raises(StudyMismatchError, match=f"more than one {column}"):
        subject_scores(scores)


@pytest.mark.parametrize(
    ("subjects", "message"),
    [
        (subjects_of({"sub-0001": "A"}), "1 not in the subject index"),
        (pd.concat([subjects_of({"sub-0001": "A", "sub-0002": "B"})] * 2), "2 repeated in the subject index"),
        (subjects_of({"sub-0001": "A", "sub-0002": None}), "1 without a protected group"),
    ],
    ids=["unknown", "repeated", "no group"],
)
def test_counts_subjects_that_do_not_join_and_names_none(subjects, message):
    with pytest.raises(InvalidCohortError, match=message) as caught:
        attributes_of(pd.Index(["sub-0001", "sub-0002"]), subjects)

    assert "sub-" not in str(caught.value)
