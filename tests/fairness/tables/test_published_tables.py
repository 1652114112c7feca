"""What the tables of Puyol-Antón et al. 2021 say, and five places where they contradict themselves or the text.

Every published value is reproduced to what the rounding of its inputs permits and no more: among
all inputs that would have been printed alike, some give a result that would have been printed so.
The same five facts are told in ``docs/paper_fidelity.md``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from faircmr.fairness.inference import Groups
from faircmr.fairness.tables import disparity_sd, skewed_error_ratio
from faircmr.fairness.tables.published_tests import literal_t_test
from tests.fairness.published import (
    GROUPS,
    ROUNDING,
    TABLE_1,
    TABLE_2,
    attainable_mean,
    attainable_sd,
    attainable_ser,
)

COLUMNS = {"Avg": (1, attainable_mean), "SD": (2, attainable_sd), "SER": (3, attainable_ser)}
"""Place in a row of Table 2, and what its six group columns permit."""


def sd_in_points(percent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 100 * disparity_sd(percent / 100)


def ser_of_percent(percent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return skewed_error_ratio(percent / 100)


class TestTable2:
    @pytest.mark.parametrize("strategy", TABLE_2)
    @pytest.mark.parametrize(("column", "attainable"), COLUMNS.values(), ids=COLUMNS)
    def test_every_row_follows_from_its_own_columns(self, strategy, column, attainable):
        averages, printed = TABLE_2[strategy][0], TABLE_2[strategy][column]

        assert attainable(averages).prints_as(printed)

    @pytest.mark.parametrize("strategy", TABLE_2)
    @pytest.mark.parametrize(("column", "attainable"), COLUMNS.values(), ids=COLUMNS)
    def test_and_from_no_others_two_hundredths_away(self, strategy, column, attainable):
        averages, printed = TABLE_2[strategy][0], TABLE_2[strategy][column]

        assert not attainable(averages).prints_as(printed - 0.02)
        assert not attainable(averages).prints_as(printed + 0.02)

    @pytest.mark.parametrize(
        ("strategy", "sd", "ser"),
        [
            ("baseline", (3.245, 3.254), (2.383, 2.388)),
            ("stratified", (1.214, 1.222), (1.612, 1.616)),
            ("meta_learning", (1.853, 1.862), (1.649, 1.653)),
            ("protected_groups", (0.885, 0.894), (1.345, 1.349)),
            ("balanced", (0.649, 0.659), (1.087, 1.088)),
        ],
    )
    def test_our_measures_of_the_printed_columns_lie_within_what_their_rounding_permits(self, strategy, sd, ser):
        averages = TABLE_2[strategy][0]

        assert attainable_sd(averages) == pytest.approx(sd, abs=0.0005)
        assert attainable_ser(averages) == pytest.approx(ser, abs=0.0005)
        assert attainable_sd(averages).least < sd_in_points(np.array(averages)) < attainable_sd(averages).greatest
        assert attainable_ser(averages).least < ser_of_percent(np.array(averages)) < attainable_ser(averages).greatest


class TestWhatRoundingPermits:
    boxes = st.tuples(st.lists(st.floats(50, 95), min_size=2, max_size=6), st.floats(0.005, 4), st.integers(0, 2**32))

    def test_by_hand(self):
        # nearest to one another at 91, 92.5 and 94; the worst and best error are 10 and 5, give or take 1
        assert attainable_sd((90, 92.4, 95), rounding=1).least == pytest.approx(1.5)
        assert attainable_sd((90, 92.4, 95), rounding=1).greatest == pytest.approx(np.std([89, 91.4, 96], ddof=1))
        assert attainable_ser((90, 92.4, 95), rounding=1) == pytest.approx((9 / 6, 11 / 4))

    def test_inputs_that_may_be_equal_may_be_even(self):
        assert attainable_sd((90, 91, 91.5), rounding=1).least == pytest.approx(0, abs=1e-9)
        assert attainable_ser((90, 91, 91.5), rounding=1).least == 1

    @given(boxes)
    def test_no_inputs_that_print_alike_give_a_value_outside(self, box):
        printed, rounding, seed = box
        inputs = np.array(printed) + np.random.default_rng(seed).uniform(-rounding, rounding, (200, len(printed)))
        sds, sers = sd_in_points(inputs), ser_of_percent(inputs)

        for values, (least, greatest) in (
            (sds, attainable_sd(printed, rounding=rounding)),
            (sers, attainable_ser(printed, rounding=rounding)),
        ):
            assert least <= values.min() + 1e-9
            assert values.max() <= greatest + 1e-9


@pytest.mark.parametrize("group", [*GROUPS, "Total", "Female"])
def test_the_average_of_a_row_of_table_1_is_the_mean_of_its_cells(group):
    assert attainable_mean(TABLE_1[group][:-1]).prints_as(TABLE_1[group][-1])


class TestFirstFactTheSdIsTheSampleSd:
    # five rows from their own columns, one digit more than printed
    EXACT_SD = (3.249, 1.218, 1.857, 0.890, 0.654)
    EXACT_SER = (2.385, 1.614, 1.651, 1.347, 1.087)

    @pytest.mark.parametrize(("strategy", "sd"), list(zip(TABLE_2, EXACT_SD, strict=True)))
    def test_the_divisor_is_one_less_than_the_number_of_groups(self, strategy, sd):
        averages = np.array(TABLE_2[strategy][0])

        assert sd_in_points(averages) == pytest.approx(sd, abs=0.0005)

    @pytest.mark.parametrize("strategy", TABLE_2)
    def test_the_population_sd_gives_none_of_the_printed_values(self, strategy):
        assert not attainable_sd(TABLE_2[strategy][0], ddof=0).prints_as(TABLE_2[strategy][2])

    @pytest.mark.parametrize(("strategy", "ser"), list(zip(TABLE_2, EXACT_SER, strict=True)))
    def test_the_ser_of_the_printed_columns(self, strategy, ser):
        assert ser_of_percent(np.array(TABLE_2[strategy][0])) == pytest.approx(ser, abs=0.0005)

    @pytest.mark.parametrize(("strategy", "printed", "rounded"), [("baseline", 2.38, 2.39), ("stratified", 1.62, 1.61)])
    def test_two_printed_sers_are_not_those_of_the_printed_columns(self, strategy, printed, rounded):
        # so they were computed before rounding, or truncated; both lie within the rounding of the inputs
        assert TABLE_2[strategy][3] == printed
        assert round(float(ser_of_percent(np.array(TABLE_2[strategy][0]))), 2) == rounded


class TestSecondFactTheChineseBaselineHasTwoValues:
    IN_TABLE_1, IN_TABLE_2 = TABLE_1["Chinese"][-1], TABLE_2["baseline"][0][GROUPS.index("Chinese")]

    def test_the_two_tables_differ_about_it_and_about_no_other_group(self):
        differing = [
            group
            for group, average in zip(GROUPS, TABLE_2["baseline"][0], strict=True)
            if TABLE_1[group][-1] != average
        ]

        assert differing == ["Chinese"]
        assert (self.IN_TABLE_1, self.IN_TABLE_2) == (83.82, 87.63)

    def test_the_cells_of_table_1_support_its_own_value(self):
        assert attainable_mean(TABLE_1["Chinese"][:-1]).prints_as(self.IN_TABLE_1)
        assert not attainable_mean(TABLE_1["Chinese"][:-1]).prints_as(self.IN_TABLE_2)

    def test_the_text_fits_the_value_of_table_2(self):
        # "this dramatically decreases to less than 86% for black subjects and less than 85% for mixed race subjects":
        # the group that is worst in Table 1 is not named, and with Table 2's value those two are not the worst either
        assert min(GROUPS, key=lambda group: TABLE_1[group][-1]) == "Chinese"
        by_table_2 = sorted(zip(TABLE_2["baseline"][0], GROUPS, strict=True))
        assert [group for _, group in by_table_2[:3]] == ["Mixed", "Others", "Black"]

    def test_with_the_value_of_table_1_the_baseline_is_less_fair_than_printed(self):
        averages = np.array([TABLE_1[group][-1] for group in GROUPS])

        assert averages.mean() == pytest.approx(87.05, abs=ROUNDING)
        assert sd_in_points(averages) == pytest.approx(3.61, abs=ROUNDING)
        assert ser_of_percent(averages) == pytest.approx(2.49, abs=ROUNDING)


class TestThirdFactTheTotalIsTheMeanOfTheRaces:
    @pytest.mark.parametrize("column", range(7))
    def test_every_total_of_table_1_is_the_unweighted_mean_of_its_six_race_rows(self, column):
        assert attainable_mean([TABLE_1[group][column] for group in GROUPS]).prints_as(TABLE_1["Total"][column])

    def test_it_is_not_the_mean_over_subjects_which_80_percent_white_would_put_near_92(self):
        others = np.mean([TABLE_1[group][-1] for group in GROUPS[1:]])
        pooled = 0.8 * TABLE_1["White"][-1] + 0.2 * others

        assert pooled == pytest.approx(92.0, abs=0.1)
        assert pooled - TABLE_1["Total"][-1] > 4.5


class TestFourthFactTheSexRowsDoNotAddUp:
    def test_the_male_cells_average_more_than_the_printed_average(self):
        assert np.mean(TABLE_1["Male"][:-1]) == pytest.approx(87.15, abs=ROUNDING)
        assert not attainable_mean(TABLE_1["Male"][:-1]).prints_as(TABLE_1["Male"][-1])

    def test_the_total_of_es_lvbp_lies_below_both_sexes(self):
        total, male, female = (TABLE_1[row][3] for row in ("Total", "Male", "Female"))

        assert total + ROUNDING < min(male, female) - ROUNDING

    def test_the_sex_rows_are_no_means_over_subjects_either(self):
        # men and women together are everybody, so that the mean over subjects would lie between their two
        # rows, near 87; it is above 91.5 even if every subject who is not White were of the worst group
        least_pooled = 0.8 * TABLE_1["White"][-1] + 0.2 * min(TABLE_1[group][-1] for group in GROUPS)

        assert max(TABLE_1["Male"][-1], TABLE_1["Female"][-1]) + 4.0 < least_pooled


class TestFifthFactAGroupIsComparedWithASetThatContainsIt:
    SIZES = np.array([472, 18, 41, 24, 9, 26])
    """590 test subjects divided like the paper's Fig. 2: an assumption, the paper gives no counts of its test set."""

    def test_the_difference_to_the_full_set_is_a_part_of_the_difference_to_the_rest(self):
        scores = np.random.default_rng(0).normal(0.87, 0.05, size=self.SIZES.sum())
        group, rest = scores[: self.SIZES[0]], scores[self.SIZES[0] :]

        share_of_the_rest = len(rest) / len(scores)
        assert group.mean() - scores.mean() == pytest.approx(share_of_the_rest * (group.mean() - rest.mean()))

    @property
    def shrinkage(self) -> npt.NDArray[np.float64]:
        """True over assumed standard error, for independent scores of equal variance."""
        true_variance, assumed_variance = 1 / self.SIZES - 1 / self.SIZES.sum(), 1 / self.SIZES + 1 / self.SIZES.sum()
        return np.sqrt(true_variance / assumed_variance)

    def test_student_s_test_takes_its_error_for_larger_than_it_is_most_of_all_for_the_largest_group(self):
        assert self.shrinkage == pytest.approx([0.333, 0.970, 0.933, 0.960, 0.985, 0.957], abs=0.0005)

    def test_with_equal_variances_it_rejects_less_often_than_it_says(self):
        rejects = self.rejections(0.01, np.ones(6))

        assert 100 * rejects == pytest.approx([0.00, 0.77, 0.56, 0.71, 0.87, 0.69], abs=0.005)

    def test_where_small_groups_spread_twice_as_much_it_rejects_many_times_as_often_as_it_says(self):
        rejects = self.rejections(0.01, np.array([1, 2, 2, 2, 2, 2]))

        assert 100 * rejects == pytest.approx([0.00, 8.25, 6.07, 7.64, 9.22, 7.44], abs=0.005)

    def test_where_the_large_group_spreads_twice_as_much_it_hardly_rejects(self):
        assert self.rejections(0.05, np.array([2, 1, 1, 1, 1, 1])).max() < 0.001

    @pytest.mark.parametrize("small", [1, 2], ids=["equal spread", "small groups twice"])
    def test_a_simulation_of_groups_of_one_mean_agrees(self, small):
        sds = np.array([1, *[small] * 5])
        groups = Groups(GROUPS, np.repeat(np.arange(6), self.SIZES))
        tables = sds[groups.codes] * np.random.default_rng(0).normal(size=(6000, 590))

        _, p = literal_t_test(tables, groups)

        # at 5 % instead of 1 %: more rejections to count; three standard errors of a rate of 20 %
        expected = self.rejections(0.05, sds)
        assert (p < 0.05).mean(axis=0) == pytest.approx(expected, abs=0.015)

    def rejections(self, level: float, sds: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Closed form for normal scores of one mean, as if the pooled variance were known."""
        n, total = self.SIZES, self.SIZES.sum()
        # of the group and of everybody, whose scores the group's are a part of
        of_everybody = (n * sds**2).sum() / total
        true = sds**2 / n * (1 - 2 * n / total) + of_everybody / total
        pooled = ((n - 1) * sds**2 + (total - 1) * of_everybody) / (n + total - 2)
        critical = stats.t.ppf(1 - level / 2, df=n + total - 2)
        return 2 * stats.norm.sf(critical * np.sqrt(pooled * (1 / n + 1 / total) / true))


class TestWhatThePaperDoesNotSay:
    def test_the_best_served_group_falls_under_every_mitigation(self):
        white = {strategy: averages[0] for strategy, (averages, *_) in TABLE_2.items()}

        assert all(white[strategy] < white["baseline"] for strategy in white if strategy != "baseline")

    def test_the_fairest_model_by_sd_and_ser_is_the_worst_for_everybody(self):
        by_sd, by_ser = (min(TABLE_2, key=lambda strategy: TABLE_2[strategy][column]) for column in (2, 3))

        assert by_sd == by_ser == "balanced"
        worst = np.argmin([averages for averages, *_ in TABLE_2.values()], axis=0)
        assert {list(TABLE_2)[row] for row in worst} == {"balanced"}

    def test_the_balanced_database_is_as_large_as_six_groups_of_87(self):
        # whether 87 counts the whole database or what the test set left of it is not said
        assert 6 * 87 == 522 == 417 + 105
        assert 4723 + 590 + 590 == 5903
