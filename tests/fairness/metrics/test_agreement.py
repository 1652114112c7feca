"""Limits of agreement: the example of Bland and Altman, the noncentral t by integration, and coverage."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from faircmr.core import InvalidScoresError
from faircmr.fairness.metrics.agreement import Agreement, agreement_table, limits_of_agreement
from faircmr.fairness.metrics.clinical import Measure
from tests.fairness.metrics.clinical_rows import groups, rows

Z = stats.norm.ppf(0.975)
# Bland and Altman 1986, Table 1: peak expiratory flow (L/min), first measurement with the large and the mini meter
LARGE = (494, 395, 516, 434, 476, 557, 413, 442, 650, 433, 417, 656, 267, 478, 178, 423, 427)
MINI = (512, 430, 520, 428, 500, 600, 364, 380, 658, 445, 432, 626, 260, 477, 259, 350, 451)
FLOWS = np.subtract(LARGE, MINI)
samples = st.lists(st.floats(-50.0, 50.0), min_size=3, max_size=30).map(np.array)


def test_reproduces_the_peak_flows_of_bland_and_altman():
    found = limits_of_agreement(FLOWS)

    assert (found.n, round(found.bias, 1), round(found.sd, 1)) == (17, -2.1, 38.8)
    # as printed: -22.0 to 17.8 for the bias, by t of 16 degrees of freedom
    assert (found.bias_low, found.bias_high) == pytest.approx((-22.0, 17.8), abs=0.1)
    # printed with 2 in place of 1.96: -79.7 and 75.5
    assert (found.lower_limit, found.upper_limit) == pytest.approx((-79.7, 75.5), abs=0.04 * 38.8 + 0.1)


@pytest.mark.parametrize("n", [2, 9, 26, 472])
def test_an_interval_of_a_limit_ends_where_a_sample_is_that_unlikely(n):
    # the upper limit lies above bias + k sd with the probability that a normal mean is below Z - k times the sample's
    # SD, integrated over that SD
    found = limits_of_agreement(standardised(n))

    for k, level in ((found.upper_limit_low, 0.025), (found.upper_limit_high, 0.975)):
        assert probability_that_the_limit_is_below(k, n) == pytest.approx(level, abs=1e-8)


def standardised(n):
    """A sample of mean 0 and SD 1."""
    values = np.arange(n, dtype=float)
    return (values - values.mean()) / values.std(ddof=1)


def probability_that_the_limit_is_below(k, n):
    root, spread = np.sqrt(n - 1), 12 / np.sqrt(2 * (n - 1))

    def at(sd):
        return stats.norm.cdf(np.sqrt(n) * (k * sd - Z)) * stats.chi.pdf(sd * root, n - 1) * root

    return quad(at, max(0.0, 1 - spread), 1 + spread, limit=500)[0]


def test_nineteen_of_twenty_intervals_of_nine_subjects_hold_the_truth():
    rng = np.random.default_rng(0)
    found = pd.DataFrame([limits_of_agreement(rng.normal(3.0, 2.0, size=9)) for _ in range(1500)])
    truth = {"bias": 3.0, "lower_limit": 3.0 - 2.0 * Z, "upper_limit": 3.0 + 2.0 * Z}

    for name, value in truth.items():
        # four standard errors of a share of 1,500
        assert found[f"{name}_low"].lt(value).mean() == pytest.approx(0.975, abs=0.016)
        assert found[f"{name}_high"].gt(value).mean() == pytest.approx(0.975, abs=0.016)


@given(samples, st.floats(-20.0, 20.0))
def test_move_with_the_differences_and_turn_over_with_their_sign(differences, shift):
    found, moved, turned = (limits_of_agreement(d) for d in (differences, differences + shift, -differences))

    assert np.array(moved[1:4]) == pytest.approx(np.array(found[1:4]) + shift, abs=1e-9)
    assert np.array(moved[5:]) == pytest.approx(np.array(found[5:]) + shift, abs=1e-9)
    assert (turned.bias, turned.lower_limit) == pytest.approx((-found.bias, -found.upper_limit))
    assert (turned.lower_limit_low, turned.lower_limit_high) == pytest.approx(
        (-found.upper_limit_high, -found.upper_limit_low)
    )


def test_one_difference_has_no_spread_and_none_has_nothing():
    assert limits_of_agreement([4.0])[:2] == (1, 4.0)
    assert np.isnan(limits_of_agreement([4.0])[2:]).all()
    assert np.isnan(limits_of_agreement([])[1:]).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_refuses_what_is_no_number(wrong):
    with pytest.raises(InvalidScoresError, match=r"differences: not finite; .*; leave out and count what is undefined"):
        limits_of_agreement([1.0, wrong])


def test_the_table_has_a_row_for_every_measure_and_group_and_counts_what_is_undefined():
    errors = pd.concat([rows([61, 55, np.nan, 40], [60, 60, 50, 45]), rows([100, 90, 80, 70], [90] * 4, Measure.LVEDV)])

    table = agreement_table(errors, groups(list("AABB"))).set_index(["measure", "group"])

    assert list(table.columns) == ["unit", *Agreement._fields, "undefined", "problems"]
    assert table.index.tolist() == [(m, g) for m in ("LVEF", "LVEDV") for g in ("A", "B", "all")]
    assert table.loc[("LVEF", "A"), ["n", "bias", "undefined", "problems"]].tolist() == [2, -2.0, 0, 0]
    assert table.loc[("LVEF", "B"), ["n", "bias", "undefined", "problems"]].tolist() == [1, -5.0, 1, 1]
    assert table.loc[("LVEDV", "all"), "bias"] == pytest.approx(-5.0)
    assert table.loc[("LVEDV", "A"), "unit"] == "mL"
