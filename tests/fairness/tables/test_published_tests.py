"""The literal tests of the paper against SciPy, by hand, and what must hold for any scores; R: ``tests/references``."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from faircmr.core import InvalidCohortError, InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference import Groups
from faircmr.fairness.tables.published_tests import asterisks, literal_t_test, scheffe_matrix, table1_asterisks
from tests.fairness.published import GROUPS, TABLE_1, scores_of, subjects_of

SIZES = (47, 18, 41, 24, 9, 26)
STUDY = Groups(GROUPS, np.repeat(np.arange(6), SIZES))
SCORES = np.random.default_rng(0).normal(0.87, 0.05, size=STUDY.sizes.sum())
memberships = st.lists(st.sampled_from("abc"), min_size=4, max_size=30).filter(lambda labels: len(set(labels)) > 1)


class TestStudentsTestAgainstTheFullSet:
    def test_is_scipy_s_unpaired_test_of_each_group_and_everybody(self):
        expected = [stats.ttest_ind(SCORES[STUDY.codes == code], SCORES) for code in range(6)]

        t, p = literal_t_test(SCORES, STUDY)

        assert t == pytest.approx([test.statistic for test in expected], rel=1e-12)
        assert p == pytest.approx([test.pvalue for test in expected], rel=1e-10)

    def test_by_hand(self):
        # group (1, 3) and everybody (1, 3, 5, 7): means 2 and 4, sums of squares 2 and 20, df 2 + 4 - 2
        t, p = literal_t_test([1.0, 3.0, 5.0, 7.0], Groups.of(list("aabb")))

        assert t == pytest.approx([-2 / np.sqrt(22 / 4 * (1 / 2 + 1 / 4)), 2 / np.sqrt(22 / 4 * (1 / 2 + 1 / 4))])
        assert p == pytest.approx(2 * stats.t.sf(np.abs(t), 4))

    def test_a_group_of_one_is_judged_by_the_spread_of_everybody(self):
        t, _ = literal_t_test([1.0, 2.0, 3.0, 6.0], Groups.of(list("aaab")))

        # sum of squares of everybody 14, df 1 + 4 - 2
        assert t[1] == pytest.approx((6 - 3) / np.sqrt(14 / 3 * (1 + 1 / 4)))

    def test_takes_many_tables_in_one_call(self):
        tables = np.random.default_rng(1).normal(size=(2, 5, SCORES.size))

        one_by_one = [[literal_t_test(table, STUDY) for table in strategy] for strategy in tables]

        assert np.stack(literal_t_test(tables, STUDY), axis=2) == pytest.approx(np.array(one_by_one))

    @given(memberships, st.integers(0, 2**32))
    def test_sees_neither_unit_nor_shift_and_turns_with_the_sign(self, labels, seed):
        values, groups = np.random.default_rng(seed).normal(size=len(labels)), Groups.of(labels)

        t, p = literal_t_test(values, groups)

        turned_t, turned_p = literal_t_test(100 - 7 * values, groups)
        assert turned_t == pytest.approx(-t)
        assert turned_p == pytest.approx(p)

    @given(memberships, st.integers(0, 2**32))
    def test_t_has_the_sign_of_the_group_s_difference_from_the_rest(self, labels, seed):
        values, groups = np.random.default_rng(seed).normal(size=len(labels)), Groups.of(labels)

        t, _ = literal_t_test(values, groups)

        rest = [values[groups.codes != code].mean() for code in range(len(groups.names))]
        assert (np.sign(t) == np.sign(groups.means(values) - rest)).all()

    @pytest.mark.parametrize("score", [0.1, 0.7, 0.9])
    def test_says_nothing_of_scores_that_are_all_alike(self, score):
        t, p = literal_t_test(np.full(SCORES.size, score), STUDY)

        assert np.isnan(t).all()
        assert np.isnan(p).all()

    @pytest.mark.parametrize("test", [literal_t_test, asterisks, scheffe_matrix])
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (SCORES[1:], r"scores: \(164,\); one number for each of 165 subjects"),
            (np.where(SCORES > 0.9, np.nan, SCORES), r"scores: \d+ not finite"),
            (np.where(SCORES > 0.9, np.inf, SCORES), r"scores: \d+ not finite"),
        ],
        ids=["one too few", "NaN", "infinite"],
    )
    def test_refuses_what_is_not_one_number_a_subject(self, test, values, message):
        with pytest.raises(InvalidScoresError, match=message):
            test(values, STUDY)


class TestAsterisks:
    def test_have_one_row_a_group_in_the_order_of_the_groups(self):
        table = asterisks(SCORES, STUDY)

        assert table.columns.tolist() == ["group", "n", "mean", "t", "p", "significant"]
        assert table["group"].tolist() == list(GROUPS)
        assert table["n"].tolist() == list(SIZES)
        assert table["mean"].tolist() == pytest.approx(list(STUDY.means(SCORES)))

    def test_mark_a_p_value_below_one_percent_and_no_other(self):
        # p of the group of one falls from 1 and passes 1 % on the way
        groups = Groups.of([*"aaaaaaaaaaaaaaaaaaaa", "b"])
        tables = [asterisks([*np.linspace(-1, 1, 20), distance], groups) for distance in np.linspace(0, 4, 201)]

        marked, p = (np.array([table[column].iloc[1] for table in tables]) for column in ("significant", "p"))

        assert (marked == (p < 0.01)).all()
        assert p[marked].max() == pytest.approx(0.01, rel=0.05)
        assert p[~marked].min() == pytest.approx(0.01, rel=0.05)

    def test_do_not_stand_where_nothing_varies(self):
        assert not asterisks(np.full(SCORES.size, 0.9), STUDY)["significant"].any()

    def test_the_largest_group_can_be_marked_when_it_is_far_from_the_others(self):
        # as in the paper: White above everybody by what the baseline of Table 1 has, and 2 points of spread within
        sizes = np.array([472, 18, 41, 24, 9, 26])
        groups = Groups(GROUPS, np.repeat(np.arange(6), sizes))
        means = np.array([TABLE_1[group][-1] for group in GROUPS])
        values = means[groups.codes] + np.random.default_rng(2).normal(0, 2, size=590)

        table = asterisks(values, groups)

        assert table["significant"].all()
        assert (table["t"] > 0).tolist() == [True, False, False, False, False, False]


class TestScheffesMatrix:
    def test_is_scheffe_s_formula_for_every_pair(self):
        means, sizes = STUDY.means(SCORES), STUDY.sizes
        within = STUDY.variances(SCORES) @ (sizes - 1) / (sizes.sum() - 6)
        statistic = (means[:, None] - means) ** 2 / (within * (1 / sizes[:, None] + 1 / sizes) * 5)

        matrix = scheffe_matrix(SCORES, STUDY)

        assert matrix.to_numpy() == pytest.approx(stats.f.sf(statistic, 5, sizes.sum() - 6))
        assert matrix.index.tolist() == matrix.columns.tolist() == list(GROUPS)

    def test_two_groups_have_the_p_value_of_student_s_test(self):
        groups = Groups.of(list("aaaabbbbbbb"))
        values = SCORES[:11]

        matrix = scheffe_matrix(values, groups)

        assert matrix.loc["a", "b"] == pytest.approx(stats.ttest_ind(values[:4], values[4:]).pvalue)

    def test_no_pair_is_significant_unless_the_analysis_of_variance_is(self):
        tables = np.random.default_rng(3).normal(size=(40, SCORES.size))

        for values in tables:
            anova = stats.f_oneway(*(values[STUDY.codes == code] for code in range(6))).pvalue
            assert scheffe_matrix(values, STUDY).to_numpy().min() >= anova

    def test_does_not_depend_on_the_order_of_subjects_or_groups(self):
        order = np.random.default_rng(4).permutation(SCORES.size)
        labels = [GROUPS[code] for code in STUDY.codes[order]]

        matrix = scheffe_matrix(SCORES[order], Groups.of(labels))

        assert matrix.index.tolist() == sorted(GROUPS)
        pd.testing.assert_frame_equal(matrix.loc[list(GROUPS), list(GROUPS)], scheffe_matrix(SCORES, STUDY))

    def test_is_blank_between_groups_where_nothing_varies(self):
        matrix = scheffe_matrix(np.full(SCORES.size, 0.9), STUDY).to_numpy()

        assert np.isnan(matrix[~np.eye(6, dtype=bool)]).all()

    def test_refuses_groups_of_one_alone(self):
        with pytest.raises(InvalidScoresError, match="groups: one subject each; more subjects than groups"):
            scheffe_matrix([0.8, 0.9], Groups.of(["a", "b"]))


SUBJECTS_OF_TABLE_1 = {f"sub-{number:04}": group for number, group in enumerate(GROUPS * 3)}


class TestAsterisksOfTable1:
    SCORES = scores_of(
        {
            subject_id: np.clip(np.array(TABLE_1[group][:-1]) + 0.1 * number, 0, 100).tolist()
            for number, (subject_id, group) in enumerate(SUBJECTS_OF_TABLE_1.items())
        }
    )
    SUBJECTS = subjects_of(SUBJECTS_OF_TABLE_1, sex=["female", "male", None] * 6, centre=["one"] * 18)

    def test_are_those_of_the_subjects_averages(self):
        averages = np.array([np.mean(TABLE_1[group][:-1]) / 100 + 0.001 * n for n, group in enumerate(GROUPS * 3)])
        expected = asterisks(averages, Groups.of(list(SUBJECTS_OF_TABLE_1.values())))

        table = table1_asterisks(self.SCORES, self.SUBJECTS)

        assert table["attribute"].tolist() == ["protected_group"] * 6
        pd.testing.assert_frame_equal(table.drop(columns="attribute"), expected)

    def test_the_audit_attributes_come_first_and_subjects_without_a_value_are_a_group(self):
        table = table1_asterisks(self.SCORES, self.SUBJECTS, ["sex"])

        assert table["attribute"].tolist() == ["sex"] * 3 + ["protected_group"] * 6
        assert table["group"].tolist()[:3] == ["female", "male", "not recorded"]
        assert table["n"].tolist()[:3] == [6, 6, 6]

    def test_an_attribute_with_one_value_has_nothing_to_be_compared_with(self):
        table = table1_asterisks(self.SCORES, self.SUBJECTS.assign(protected_group="all"), ["centre"])

        assert table.empty
        assert table.columns.tolist() == ["attribute", "group", "n", "mean", "t", "p", "significant"]

    def test_several_seeds_of_a_subject_are_one_value(self):
        twice = pd.concat([self.SCORES, self.SCORES.assign(seed=1)])

        pd.testing.assert_frame_equal(
            table1_asterisks(twice, self.SUBJECTS), table1_asterisks(self.SCORES, self.SUBJECTS)
        )

    def test_refuses_an_attribute_that_the_subjects_do_not_have(self):
        with pytest.raises(InvalidParameterError, match="audit_attributes: race; one of protected_group, sex, centre"):
            table1_asterisks(self.SCORES, self.SUBJECTS, ["race"])

    def test_refuses_subjects_that_do_not_join_and_names_none(self):
        with pytest.raises(InvalidCohortError, match="1 not in the subject index") as caught:
            table1_asterisks(self.SCORES, self.SUBJECTS.iloc[1:])

        assert "sub-" not in str(caught.value)
