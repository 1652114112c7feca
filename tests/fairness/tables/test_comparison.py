"""Table 2 of scores, and the comparisons that it refuses; published values: ``test_published_tables``."""

import pandas as pd
import pytest

from faircmr.core import InvalidScoresError, StudyMismatchError
from faircmr.fairness.metrics import collect_scores
from faircmr.fairness.tables import table1, table2
from tests.fairness.published import GROUPS, ROUNDING, TABLE_2, scores_of, subjects_of

SUBJECTS = subjects_of({group: group for group in GROUPS})


def scores_with_averages(strategy: str) -> pd.DataFrame:
    """One subject a group, every phase and structure at the average that the paper printed."""
    averages = TABLE_2[strategy][0]
    return scores_of({group: (value,) * 6 for group, value in zip(GROUPS, averages, strict=True)}, strategy)


STUDY = {strategy: scores_with_averages(strategy) for strategy in TABLE_2}


def test_has_the_paper_s_columns_and_one_row_a_strategy_in_the_order_given():
    table = table2(STUDY, SUBJECTS)

    assert list(table.columns) == ["strategy", *sorted(GROUPS), "Avg", "SD", "SER", "seeds"]
    assert table["strategy"].tolist() == list(TABLE_2)


@pytest.mark.parametrize("strategy", TABLE_2)
def test_scores_with_the_paper_s_averages_give_the_paper_s_row(strategy):
    averages, average, sd, ser = TABLE_2[strategy]

    row = table2(STUDY, SUBJECTS).set_index("strategy").loc[strategy]

    assert row[list(GROUPS)].tolist() == pytest.approx(averages)
    assert row[["Avg", "SD", "SER"]].tolist() == pytest.approx([average, sd, ser], abs=2 * ROUNDING)


def test_agrees_with_table_1_about_every_group():
    rows = table1(STUDY["baseline"], SUBJECTS, []).set_index("group")["Avg"]

    row = table2(STUDY, SUBJECTS).iloc[0]

    assert row[list(GROUPS)].tolist() == pytest.approx(rows[list(GROUPS)].tolist())
    assert row["Avg"] == pytest.approx(rows["Total (mean of groups)"])


def test_a_strategy_that_did_not_run_has_no_row():
    table = table2({"baseline": STUDY["baseline"], "stratified": collect_scores([])}, SUBJECTS)

    assert table["strategy"].tolist() == ["baseline"]


def test_a_group_without_scored_subjects_is_blank_and_leaves_the_measures():
    subjects = subjects_of({**{group: group for group in GROUPS}, "sub-0099": "Unseen"})

    row = table2(STUDY, subjects).iloc[0]

    assert pd.isna(row["Unseen"])
    assert row[["Avg", "SD", "SER"]].tolist() == table2(STUDY, SUBJECTS).iloc[0][["Avg", "SD", "SER"]].tolist()


def test_refuses_two_studies_in_one_table_and_names_what_differs():
    other = STUDY["stratified"].assign(study_key="cohort:1 splits:2 training:9")

    with pytest.raises(StudyMismatchError, match="baseline and stratified: scored under different training;"):
        table2({"baseline": STUDY["baseline"], "stratified": other}, SUBJECTS)


def test_refuses_strategies_scored_on_different_subjects_and_counts_them():
    incomplete = STUDY["stratified"][STUDY["stratified"]["subject_id"] != "White"]

    with pytest.raises(StudyMismatchError, match="baseline and stratified: 1 subjects scored in one") as caught:
        table2({"baseline": STUDY["baseline"], "stratified": incomplete}, SUBJECTS)

    assert "White" not in str(caught.value)


def test_strategies_may_have_different_numbers_of_seeds():
    twice = pd.concat([STUDY["baseline"], STUDY["baseline"].assign(seed=1)])

    table = table2({"baseline": STUDY["baseline"], "again": twice}, SUBJECTS)

    numbers = [*GROUPS, "Avg", "SD", "SER"]
    assert table.loc[0, numbers].tolist() == pytest.approx(table.loc[1, numbers].tolist())
    assert table["seeds"].tolist() == [1, 2]


def test_refuses_a_table_without_any_scores_and_says_what_to_run():
    with pytest.raises(InvalidScoresError, match=r"no strategy has scores; .*run a strategy first"):
        table2({"baseline": collect_scores([])}, SUBJECTS)


def test_refuses_to_measure_disparity_in_one_group():
    with pytest.raises(InvalidScoresError, match="at least two groups"):
        table2({"baseline": STUDY["baseline"]}, SUBJECTS.assign(protected_group="all"))
