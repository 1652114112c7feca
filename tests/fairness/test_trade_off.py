"""Mean, disparity and who pays for it: by hand, against Table 2 of the paper, and for any scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core.errors import InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference.groups import Groups
from faircmr.fairness.trade_off import group_changes, pareto_front, trade_off

GROUPS = Groups.of(["a", "a", "a", "b"])
SCORES = pd.DataFrame(
    {
        "baseline": [0.90, 0.92, 0.94, 0.80],
        "lifted": [0.90, 0.92, 0.94, 0.88],
        "levelled": [0.78, 0.80, 0.82, 0.79],
        "spread": [0.91, 0.93, 0.95, 0.78],
    },
    index=[f"sub-{number:04d}" for number in range(4)],
)
# Puyol-Antón et al. 2021, Table 2: DSC (%) of White, Mixed, Asian, Black, Chinese, Others
TABLE_2 = {
    "baseline": (93.51, 84.52, 88.90, 85.88, 87.63, 85.66),
    "balanced": (81.39, 80.61, 79.99, 80.48, 79.77, 80.36),
}
coarse = st.integers(0, 3).map(float)


def by_strategy(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index("strategy")


def test_by_hand():
    row = by_strategy(trade_off(SCORES, GROUPS, "baseline")).loc["baseline"]

    assert row[["mean", "Avg", "worst", "gap"]].tolist() == pytest.approx([89.0, 86.0, 80.0, 12.0])
    assert row["worst_group"] == "b"
    assert row["SD"] == pytest.approx(12 / np.sqrt(2))
    assert row["SER"] == pytest.approx(20 / 8)
    assert row["ES_SD"] == pytest.approx(0.89 / (1 + 0.12 / np.sqrt(2)))
    assert row["ES_deviations"] == pytest.approx(0.89 / (1 + 0.03 + 0.09))


def test_levelling_down_is_a_smaller_sd_that_the_worst_served_group_has_nothing_of():
    table = by_strategy(trade_off(SCORES, GROUPS, "baseline"))

    assert table["levelling_down"].to_dict() == {
        "baseline": False,
        "lifted": False,
        "levelled": True,
        "spread": False,
    }
    assert table["groups_worse"].tolist() == [0, 0, 2, 1]
    assert table.loc["levelled", "SD_change"] < table.loc["lifted", "SD_change"] < 0
    assert table["pareto"].to_dict() == {"baseline": False, "lifted": True, "levelled": True, "spread": False}


def test_changes_are_paired_and_of_each_group():
    changes = group_changes(SCORES, GROUPS, "baseline").set_index(["strategy", "group"])

    assert changes.loc[("levelled", "a")].tolist() == pytest.approx([3, 80.0, -12.0])
    assert changes.loc[("levelled", "b")].tolist() == pytest.approx([1, 79.0, -1.0])
    assert changes.loc[("lifted", "b"), "change"] == pytest.approx(8.0)
    assert (changes.loc["baseline", "change"] == 0.0).all()


def test_shows_that_the_best_sd_of_the_paper_is_worse_for_every_group():
    table_2 = pd.DataFrame(TABLE_2) / 100
    groups = Groups.of(["White", "Mixed", "Asian", "Black", "Chinese", "Others"])

    balanced = by_strategy(trade_off(table_2, groups, "baseline")).loc["balanced"]

    assert balanced["SD_change"] < 0
    assert balanced["groups_worse"] == 6
    assert balanced["levelling_down"]


def test_a_front_by_hand():
    assert pareto_front([90, 91, 92, 91], [1.0, 2.0, 3.0, 2.5]).tolist() == [True, True, True, False]


def test_equal_strategies_stand_or_fall_together():
    assert pareto_front([90, 90, 89, 89], [1.0, 1.0, 2.0, 2.0]).tolist() == [True, True, False, False]


@given(st.lists(st.tuples(coarse, coarse), min_size=1, max_size=12))
def test_the_front_is_who_nobody_beats(points: list[tuple[float, float]]):
    beaten = [
        any(m >= mean and d <= disparity and (m, d) != (mean, disparity) for m, d in points)
        for mean, disparity in points
    ]

    front = pareto_front(*np.transpose(points))

    assert front.tolist() == [not one for one in beaten]
    assert front.any()


@pytest.mark.parametrize(
    ("mean", "disparity", "message"),
    [([90, 91], [1], "one value a strategy"), ([90, np.nan], [1, 2], "missing for a strategy")],
)
def test_a_front_needs_both_numbers_of_every_strategy(mean, disparity, message):
    with pytest.raises(InvalidScoresError, match=message):
        pareto_front(mean, disparity)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda scores: 100 * scores, "16 of 16 missing or outside.*divide percentages by 100"),
        (lambda scores: scores.replace(0.80, np.nan), "2 of 16 missing"),
        (lambda scores: scores.head(3), "3 subjects; the 4 subjects of the groups"),
    ],
    ids=["percent", "NaN", "other subjects"],
)
@pytest.mark.parametrize("table_of", [trade_off, group_changes])
def test_refuses_scores_that_cannot_be_compared(table_of, spoil, message):
    with pytest.raises(InvalidScoresError, match=message):
        table_of(spoil(SCORES), GROUPS, "baseline")


def test_refuses_an_unknown_baseline():
    with pytest.raises(InvalidParameterError, match="baseline: base; one of baseline, lifted"):
        trade_off(SCORES, GROUPS, "base")
