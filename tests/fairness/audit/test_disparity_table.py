"""Each model's row is what the inference says of it by itself, in percent, points and ratios."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.fairness.audit.tables import disparity_table
from faircmr.fairness.inference import (
    NEW_TRAININGS,
    THESE_MODELS,
    bootstrap_t,
    gap_interval,
    permutation_tests,
    sd_interval,
    ser_interval,
    worst_interval,
)
from faircmr.fairness.tables import disparity_sd, skewed_error_ratio
from tests.fairness.audit.tables import PARAMETERS, answered, divided, people, scored

PEOPLE = people()
SCORES = {"base": scored(PEOPLE, 1, Black=0.05), "ours": scored(PEOPLE, 2)}
MEASURES = ["Avg", "SD", "SER", "gap", "worst"]


def of(scores, subjects=PEOPLE, parameters=PARAMETERS) -> pd.DataFrame:
    return disparity_table(answered(scores, subjects, parameters))


def test_one_row_a_model():
    table = of(SCORES)

    assert table[["model", "attribute", "n", "groups"]].to_numpy().tolist() == [
        ["base", "race", 82, 3],
        ["ours", "race", 82, 3],
    ]


def test_measures_are_those_of_the_group_means_by_hand():
    values = SCORES["base"]["0"]
    means = values.groupby(PEOPLE["race"]).mean()
    sd, overall = means.std(ddof=1), values.mean()

    row = of(SCORES).iloc[0]

    expected = {
        "mean": 100 * overall,
        "Avg": 100 * means.mean(),
        "SD": 100 * sd,
        "SER": (1 - means.min()) / (1 - means.max()),
        "gap": 100 * (means.max() - means.min()),
        "worst": 100 * means["Black"],
        "ES_SD": overall / (1 + sd),
        "ES_deviations": overall / (1 + (means - overall).abs().sum()),
        "SD_corrected": 100 * np.sqrt(sd**2 - (values.groupby(PEOPLE["race"]).sem() ** 2).mean()),
    }
    for name, value in expected.items():
        assert row[name] == pytest.approx(value), name
    assert row["SD"] == pytest.approx(100 * disparity_sd(means))
    assert row["SER"] == pytest.approx(skewed_error_ratio(means))


@pytest.mark.parametrize(("place", "model"), list(enumerate(SCORES)))
def test_intervals_are_projections_of_the_model_s_own_region(place, model):
    values, groups = SCORES[model]["0"].to_numpy(), divided(SCORES, PEOPLE)[0].groups
    drawn = bootstrap_t(values, groups, PARAMETERS.draws, PARAMETERS.seed)
    region = drawn.region(0.95)

    row = of(SCORES).iloc[place]

    for name, unit, interval in (
        ("Avg", 100, drawn.mean_of_groups.interval(0.95)),
        ("SD", 100, sd_interval(region)),
        ("SER", 1, ser_interval(region)),
        ("gap", 100, gap_interval(region)),
        ("worst", 100, worst_interval(region)),
    ):
        assert row[[f"{name}_low", f"{name}_high"]].tolist() == pytest.approx(
            [unit * float(interval.low), unit * float(interval.high)]
        ), name
    tests = permutation_tests(values, groups, PARAMETERS.draws, PARAMETERS.seed)
    assert row["p_omnibus"] == tests.omnibus.p_values


def test_a_planted_gap_is_surely_there_and_an_even_model_may_have_none():
    table = of(SCORES).set_index("model")

    assert table.loc["base", "SD_low"] > 0.0
    assert table.loc["base", "SER_low"] > 1.0
    assert table.loc["base", "gap_low"] > 0.0
    assert table.loc["base", "gap_low"] < 5.0 < table.loc["base", "gap_high"]
    assert table.loc["base", "may_be_worst"] == "Black"
    assert table.loc["base", "p_omnibus"] == pytest.approx(1 / 1_001)
    assert table.loc["ours", ["SD_low", "gap_low", "SER_low"]].tolist() == [0.0, 0.0, 1.0]
    assert table.loc["ours", "may_be_worst"] == "Asian, Black, White"
    assert table.loc["ours", "p_omnibus"] > 0.05


def test_a_small_group_is_not_in_the_disparity():
    subjects = people({"Asian": 20, "Black": 7, "White": 50})
    scores = scored(subjects, Black=0.6)
    without = subjects.index[subjects["race"] != "Black"]

    table, alone = of({"ours": scores}, subjects), of({"ours": scores.loc[without]}, subjects.loc[without])

    assert table.loc[0, ["n", "groups"]].tolist() == [70, 2]
    pd.testing.assert_frame_equal(table, alone)


def test_says_of_what_its_intervals_speak():
    table = of({"once": scored(PEOPLE), "twice": scored(PEOPLE, trainings=2), "thrice": scored(PEOPLE, trainings=3)})

    assert table["scope"].tolist() == [THESE_MODELS, THESE_MODELS, NEW_TRAININGS]


def test_intervals_end_at_what_is_possible():
    subjects = people({"Few": 8, "White": 50})
    scores = scored(subjects)
    scores[subjects["race"] == "Few"] = [[1.0]] * 7 + [[0.0]]

    row = of({"ours": scores}, subjects).iloc[0]

    assert row[["Avg_low", "worst_low"]].tolist() == [0.0, 0.0]


def test_a_perfect_model_is_perfectly_even():
    row = of({"ours": pd.DataFrame({"0": 1.0}, PEOPLE.index)}).iloc[0]

    for end in ("", "_low", "_high"):
        assert row[[name + end for name in MEASURES]].tolist() == [100.0, 0.0, 1.0, 0.0, 100.0]
    assert row[["SD_corrected", "p_omnibus", "ES_SD", "ES_deviations"]].tolist() == [0.0, 1.0, 1.0, 1.0]


def test_a_group_without_any_error_has_no_greatest_ratio():
    scores = scored(PEOPLE)
    scores[PEOPLE["race"] == "Black"] = 1.0

    row = of({"ours": scores}).iloc[0]

    assert np.isinf(row[["SER", "SER_low", "SER_high"]].astype(float)).all()
    assert np.isfinite(row[["SD_high", "gap_high"]].astype(float)).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), sd=st.floats(0.001, 0.3), gap=st.floats(0.0, 0.5))
def test_whatever_the_scores_are_every_number_is_possible(seed, sd, gap):
    asked = PARAMETERS.model_copy(update={"draws": 120})

    row = of({"ours": scored(PEOPLE, seed, sd=sd, Black=gap)}, parameters=asked).iloc[0]

    for name, least, greatest in zip(MEASURES, [0, 0, 1, 0, 0], [100, 71, np.inf, 100, 100], strict=True):
        assert least <= row[f"{name}_low"] <= row[name] + 1e-9, name
        assert row[name] - 1e-9 <= row[f"{name}_high"] <= greatest, name
    assert row["SD_corrected"] <= row["SD"]
    assert 0.0 <= row["ES_deviations"] <= row["ES_SD"] <= 1.0
