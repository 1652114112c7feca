"""The paper's tests of every strategy: each strategy's own, side by side."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from faircmr.core import InvalidCohortError, InvalidParameterError, InvalidScoresError, StudyMismatchError
from faircmr.fairness.inference import Groups
from faircmr.fairness.metrics import collect_scores
from faircmr.fairness.tables import asterisks_of, scheffe_matrix, scheffe_of, table1_asterisks
from tests.fairness.published import scores_of, subjects_of

GROUPS = {f"sub-{number:04}": group for number, group in enumerate([*["White"] * 8, *["Asian"] * 5, *["Black"] * 4])}
SUBJECTS = subjects_of(GROUPS, sex=np.resize(["F", "M", None], len(GROUPS)))


def study(strategy: str, seed: int, black: float = 0.0) -> pd.DataFrame:
    """Scores around 90 %, lower for the group named."""
    values = 90 + np.random.default_rng(seed).normal(0, 1.5, (len(GROUPS), 6))
    lower = [black * (group == "Black") for group in GROUPS.values()]
    return scores_of(dict(zip(GROUPS, (values.T - lower).T, strict=True)), strategy)


SCORES = {"zero": study("zero", 1, black=9.0), "even": study("even", 2)}


def averages(strategy: str) -> pd.Series:
    return SCORES[strategy].groupby("subject_id")["value"].mean()


def of_groups(values: pd.Series) -> list[np.ndarray]:
    groups = values.index.map(GROUPS)
    return [values[groups == group].to_numpy() for group in ("Asian", "Black", "White")]


class TestAsterisks:
    def test_are_those_of_each_strategy_alone_in_the_order_given(self):
        table = asterisks_of(SCORES, SUBJECTS, ["sex"])

        assert table["strategy"].unique().tolist() == ["zero", "even"]
        assert table.columns.tolist() == ["strategy", "attribute", "group", "n", "mean", "t", "p", "significant"]
        for strategy, rows in table.groupby("strategy"):
            alone = table1_asterisks(SCORES[strategy], SUBJECTS, ["sex"])
            pd.testing.assert_frame_equal(rows.drop(columns="strategy").reset_index(drop=True), alone)

    def test_are_student_s_tests_against_everybody(self):
        table = asterisks_of(SCORES, SUBJECTS, [])

        for strategy, rows in table.groupby("strategy"):
            values = averages(strategy)
            expected = [stats.ttest_ind(group, values).pvalue for group in of_groups(values)]
            assert rows["group"].tolist() == ["Asian", "Black", "White"]
            assert rows["p"].tolist() == pytest.approx(expected)

    def test_mark_the_group_that_was_made_worse_in_the_strategy_that_made_it_worse(self):
        table = asterisks_of(SCORES, SUBJECTS, [])

        marked = table.loc[table["significant"].astype(bool), ["strategy", "group"]]
        assert marked.to_numpy().tolist() == [["zero", "Black"]]

    def test_refuses_an_attribute_that_the_subjects_do_not_have(self):
        with pytest.raises(InvalidParameterError, match="audit_attributes: race; one of protected_group, sex"):
            asterisks_of(SCORES, SUBJECTS, ["race"])


PAIRS = [("Asian", "Black"), ("Asian", "White"), ("Black", "White")]


class TestScheffe:
    def test_is_the_matrix_of_each_strategy_in_the_order_given(self):
        table = scheffe_of(SCORES, SUBJECTS)

        assert table.columns.tolist() == ["strategy", "group", "against", "p"]
        assert table[["strategy", "group", "against"]].to_numpy().tolist() == [
            [strategy, *pair] for strategy in ("zero", "even") for pair in PAIRS
        ]
        for strategy, rows in table.groupby("strategy"):
            matrix = scheffe_matrix(averages(strategy).to_numpy(), Groups.of(list(GROUPS.values())))
            assert rows["p"].tolist() == pytest.approx([matrix.loc[pair] for pair in PAIRS])

    def test_no_pair_is_below_the_analysis_of_variance(self):
        table = scheffe_of(SCORES, SUBJECTS).groupby("strategy")["p"].min()

        for strategy in SCORES:
            assert table[strategy] >= stats.f_oneway(*of_groups(averages(strategy))).pvalue

    def test_groups_of_one_subject_each_are_blank_and_still_have_their_rows(self):
        few = {"sub-0000": "White", "sub-0008": "Asian", "sub-0013": "Black"}
        scores = {name: table[table["subject_id"].isin(few)] for name, table in SCORES.items()}

        table = scheffe_of(scores, subjects_of(few))

        assert table["group"].tolist() == ["Asian", "Asian", "Black"] * 2
        assert table["p"].isna().all()

    def test_one_group_of_two_subjects_is_enough_for_a_variance(self):
        few = {"sub-0000": "White", "sub-0001": "White", "sub-0008": "Asian", "sub-0013": "Black"}
        scores = {name: table[table["subject_id"].isin(few)] for name, table in SCORES.items()}

        assert scheffe_of(scores, subjects_of(few))["p"].notna().all()

    def test_a_group_may_have_the_name_of_a_column(self):
        renamed = SUBJECTS.replace({"protected_group": {"Black": "group", "Asian": "p"}})

        assert scheffe_of(SCORES, renamed)["group"].unique().tolist() == ["White", "group"]


def asterisks(scores, subjects):
    return asterisks_of(scores, subjects, [])


@pytest.mark.parametrize("tabulate", [asterisks, scheffe_of])
class TestBoth:
    def test_leave_out_a_strategy_that_did_not_run(self, tabulate):
        table = tabulate({**SCORES, "unrun": collect_scores([])}, SUBJECTS)

        pd.testing.assert_frame_equal(table, tabulate(SCORES, SUBJECTS))

    def test_average_the_seeds_of_a_subject(self, tabulate):
        twice = {name: pd.concat([table, table.assign(seed=1)]) for name, table in SCORES.items()}

        pd.testing.assert_frame_equal(tabulate(twice, SUBJECTS), tabulate(SCORES, SUBJECTS))

    def test_do_not_depend_on_the_order_of_the_subjects(self, tabulate):
        shuffled = {name: table.sample(frac=1.0, random_state=3) for name, table in SCORES.items()}

        found = tabulate(shuffled, SUBJECTS.iloc[::-1])

        pd.testing.assert_frame_equal(found, tabulate(SCORES, SUBJECTS))

    @pytest.mark.parametrize(
        ("scores", "subjects", "error", "said"),
        [
            ({"zero": collect_scores([])}, SUBJECTS, InvalidScoresError, "no strategy has scores"),
            (SCORES, SUBJECTS.iloc[1:], InvalidCohortError, "1 not in the subject index"),
            (
                {**SCORES, "even": SCORES["even"].assign(study_key="cohort:1 splits:9 training:3")},
                SUBJECTS,
                StudyMismatchError,
                "zero and even: scored under different splits",
            ),
        ],
        ids=["nothing ran", "unknown subject", "two studies"],
    )
    def test_refuse_what_cannot_stand_in_one_table_and_name_nobody(self, tabulate, scores, subjects, error, said):
        with pytest.raises(error, match=said) as raised:
            tabulate(scores, subjects)

        assert "sub-" not in str(raised.value)
