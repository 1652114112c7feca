"""The band of chance against what chance does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidParameterError
from faircmr.reporting.report.tables import chance_of_disparity


def groups(sds: list[float], sizes: list[int]) -> pd.DataFrame:
    return pd.DataFrame({"model": "a", "n": sizes, "sd": sds, "low": 0.0})


@pytest.mark.parametrize(
    ("sds", "sizes"), [([2.0] * 6, [20] * 6), ([1.0, 4.0, 2.0], [60, 9, 20]), ([3.0, 3.0], [5, 50])]
)
def test_agrees_with_simulated_groups_that_are_served_alike(sds: list[float], sizes: list[int]):
    found = chance_of_disparity(groups(sds, sizes), 0.95).iloc[0]
    means = np.random.default_rng(0).normal(0.0, np.array(sds) / np.sqrt(sizes), (40_000, len(sds)))
    simulated = means.std(axis=1, ddof=1)

    assert found["expected"] == pytest.approx(np.sqrt((simulated**2).mean()), rel=0.02)
    # two moments are matched, and not the whole distribution: where one group has nearly all the noise it shows
    assert (simulated < found["upper"]).mean() == pytest.approx(0.95, abs=0.01)


def test_equal_groups_have_the_chi_square_of_the_textbook():
    # chi-square with 5 degrees of freedom: 95 % lie below 11.0705
    assert chance_of_disparity(groups([2.0] * 6, [16] * 6), 0.95).iloc[0]["upper"] == pytest.approx(
        0.5 * np.sqrt(11.0705 / 5), rel=1e-5
    )


def test_a_group_that_is_too_small_does_not_count():
    table = groups([2.0, 2.0, 9.0], [16, 16, 2])
    table.loc[2, "low"] = np.nan

    assert chance_of_disparity(table, 0.95).equals(chance_of_disparity(table.iloc[:2], 0.95))


@pytest.mark.parametrize("table", [groups([2.0], [16]), groups([0.0, 0.0], [4, 4])])
def test_nothing_is_said_of_one_group_or_of_scores_that_do_not_vary(table: pd.DataFrame):
    assert chance_of_disparity(table, 0.95)[["expected", "upper"]].isna().all(axis=None)


def test_refuses_a_share_in_percent():
    with pytest.raises(InvalidParameterError, match="confidence: 95"):
        chance_of_disparity(groups([2.0, 2.0], [16, 16]), 95.0)
