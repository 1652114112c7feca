"""What the tables of Puyol-Antón et al. 2021 say, and five places where they contradict themselves or the text.

Every published value is reproduced to what the rounding of its inputs permits and no more: among
all inputs that would have been printed alike, some give a result that would have been printed so.
The same five facts are told in ``docs/paper_fidelity.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from faircmr.fairness.disparity import disparity_sd, skewed_error_ratio
from tests.fairness.published import GROUPS, ROUNDING, TABLE_1, TABLE_2

Measure = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def sd_in_points(percent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 100 * disparity_sd(percent / 100)


def ser_of_percent(percent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return skewed_error_ratio(percent / 100)


def mean(percent: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return percent.mean(axis=-1)


def attainable(measure: Measure, printed: Sequence[float]) -> tuple[float, float]:
    """Smallest and largest value over the corners of the box of inputs that print alike.

    Both are attained, and so is everything between them: the measures are continuous.
    """
    corners = np.array(list(product((-ROUNDING, ROUNDING), repeat=len(printed)))) + np.array(printed)
    values = measure(corners)
    return float(values.min()), float(values.max())


def agrees(measure: Measure, inputs: Sequence[float], printed: float) -> bool:
    """Whether some inputs that print as ``inputs`` give a value that prints as ``printed``."""
    smallest, largest = attainable(measure, inputs)
    return smallest <= printed + ROUNDING and largest >= printed - ROUNDING


@pytest.mark.parametrize("strategy", TABLE_2)
@pytest.mark.parametrize(("column", "measure"), [(1, mean), (2, sd_in_points), (3, ser_of_percent)])
def test_every_row_of_table_2_follows_from_its_own_columns(strategy, column, measure):
    assert agrees(measure, TABLE_2[strategy][0], TABLE_2[strategy][column])


@pytest.mark.parametrize("group", [*GROUPS, "Total", "Female"])
def test_the_average_of_a_row_of_table_1_is_the_mean_of_its_cells(group):
    assert agrees(mean, TABLE_1[group][:-1], TABLE_1[group][-1])


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
        assert not agrees(lambda percent: percent.std(axis=-1), TABLE_2[strategy][0], TABLE_2[strategy][2])

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
        assert agrees(mean, TABLE_1["Chinese"][:-1], self.IN_TABLE_1)
        assert not agrees(mean, TABLE_1["Chinese"][:-1], self.IN_TABLE_2)

    def test_with_the_value_of_table_1_the_baseline_is_less_fair_than_printed(self):
        averages = np.array([TABLE_1[group][-1] for group in GROUPS])

        assert mean(averages) == pytest.approx(87.05, abs=ROUNDING)
        assert sd_in_points(averages) == pytest.approx(3.61, abs=ROUNDING)
        assert ser_of_percent(averages) == pytest.approx(2.49, abs=ROUNDING)


class TestThirdFactTheTotalIsTheMeanOfTheRaces:
    @pytest.mark.parametrize("column", range(7))
    def test_every_total_of_table_1_is_the_unweighted_mean_of_its_six_race_rows(self, column):
        assert agrees(mean, [TABLE_1[group][column] for group in GROUPS], TABLE_1["Total"][column])

    def test_it_is_not_the_mean_over_subjects_which_80_percent_white_would_put_near_92(self):
        others = np.mean([TABLE_1[group][-1] for group in GROUPS[1:]])
        pooled = 0.8 * TABLE_1["White"][-1] + 0.2 * others

        assert pooled == pytest.approx(92.0, abs=0.1)
        assert pooled - TABLE_1["Total"][-1] > 4.5


class TestFourthFactTheSexRowsDoNotAddUp:
    def test_the_male_cells_average_more_than_the_printed_average(self):
        assert mean(np.array(TABLE_1["Male"][:-1])) == pytest.approx(87.15, abs=ROUNDING)
        assert not agrees(mean, TABLE_1["Male"][:-1], TABLE_1["Male"][-1])

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

    def test_the_literal_test_rejects_less_often_than_it_says(self):
        critical = stats.t.ppf(1 - 0.01 / 2, df=self.SIZES + self.SIZES.sum() - 2)
        rejects = 2 * stats.norm.sf(critical / self.shrinkage)

        assert 100 * rejects == pytest.approx([0.00, 0.77, 0.56, 0.71, 0.87, 0.69], abs=0.005)

    def test_a_simulation_of_equal_groups_agrees(self):
        tables = np.random.default_rng(0).normal(size=(4000, self.SIZES.sum()))
        group = tables[:, 472 + 18 : 472 + 18 + 41]

        p_values = stats.ttest_ind(group, tables, axis=1).pvalue

        # at 5 % instead of 1 %: more rejections to count; closed form as above
        expected = 2 * stats.norm.sf(stats.t.ppf(0.975, df=41 + 590 - 2) / self.shrinkage[2])
        assert (p_values < 0.05).mean() == pytest.approx(expected, abs=3 * np.sqrt(expected / 4000))


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
