"""Each group's row is what the inference says of the model by itself, in percent and points."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.fairness.audit.tables import group_table
from faircmr.fairness.inference import (
    Verdict,
    bootstrap_t,
    equivalence_tests,
    hedges_g,
    holm,
    permutation_tests,
    smallest_detectable_gap,
)
from tests.fairness.audit.tables import PARAMETERS, answered, people, scored

PEOPLE = people()
SCORES = {"base": scored(PEOPLE, 1, Black=0.05), "ours": scored(PEOPLE, 2)}
NUMBERS = [
    "mean",
    "low",
    "high",
    "sd",
    "difference",
    "p",
    "p_equivalence",
    "hedges_g",
    "g_low",
    "g_high",
    "superiority",
    "detectable",
]


def of(scores, subjects=PEOPLE, parameters=PARAMETERS) -> pd.DataFrame:
    return group_table(answered(scores, subjects, parameters))


def test_one_row_a_model_and_group():
    table = of(SCORES)

    assert table[["model", "group", "n"]].to_numpy().tolist() == [
        [model, group, n] for model in SCORES for group, n in (("Asian", 20), ("Black", 12), ("White", 50))
    ]
    assert set(table["attribute"]) == {"race"}


def test_means_are_in_percent_and_differences_in_points():
    values = SCORES["base"]["0"].groupby(PEOPLE["race"])
    everybody = SCORES["base"]["0"]

    table = of(SCORES).set_index(["model", "group"]).loc["base"]

    np.testing.assert_allclose(table["mean"], 100 * values.mean())
    np.testing.assert_allclose(table["sd"], 100 * values.std())
    for group in table.index:
        rest = everybody[PEOPLE["race"] != group].mean()
        assert table.loc[group, "difference"] == pytest.approx(100 * (values.get_group(group).mean() - rest))


def test_numbers_are_those_of_the_inference():
    found = answered(SCORES, PEOPLE)
    groups, values = found[0].compared.groups, SCORES["ours"]["0"].to_numpy()
    interval = bootstrap_t(values, groups, PARAMETERS.draws, PARAMETERS.seed).groups.interval(0.95)
    effect = hedges_g(values, groups, PARAMETERS.alpha)
    equivalence = equivalence_tests(values, groups, PARAMETERS.draws, PARAMETERS.seed, PARAMETERS.margin)

    table = group_table(found).query("model == 'ours'")

    np.testing.assert_allclose(table["low"], 100 * interval.low)
    np.testing.assert_allclose(table["high"], 100 * interval.high)
    np.testing.assert_array_equal(
        table["p"], permutation_tests(values, groups, PARAMETERS.draws, PARAMETERS.seed).against_rest.p_values
    )
    np.testing.assert_array_equal(table["p_equivalence"], equivalence.p_values)
    np.testing.assert_allclose(table[["hedges_g", "g_low", "g_high"]].T, [effect.estimates, effect.low, effect.high])
    gaps = smallest_detectable_gap(groups.sizes, np.sqrt(groups.variances(values)), PARAMETERS.alpha)
    np.testing.assert_allclose(table["detectable"], 100 * gaps)


def test_the_chance_of_the_higher_score_counts_pairs_of_people():
    values, black = SCORES["base"]["0"].to_numpy(), (PEOPLE["race"] == "Black").to_numpy()
    counted = np.mean(values[black][:, np.newaxis] > values[~black])

    row = of(SCORES).query("model == 'base' and group == 'Black'").iloc[0]

    assert row["superiority"] == pytest.approx(counted)
    assert 0.0 <= row["superiority_low"] < counted < row["superiority_high"] < 0.5


def test_a_model_is_told_the_same_alone_but_for_the_family():
    together = of(SCORES).query("model == 'ours'").reset_index(drop=True)
    alone = of({"ours": SCORES["ours"]})

    pd.testing.assert_frame_equal(together[NUMBERS], alone[NUMBERS])
    assert (together["p_holm"] >= alone["p_holm"]).all()


def test_the_family_of_holm_is_all_models_and_groups_of_the_attribute():
    # two trainings: a cohort of its own, in the same family
    table = of({**SCORES, "theirs": scored(PEOPLE, 3, trainings=2)})

    for name in ("p", "p_equivalence"):
        np.testing.assert_allclose(table[f"{name}_holm"], holm(table[name]))
    assert table.loc[table["p"].idxmin(), "p_holm"] == pytest.approx(9 * table["p"].min())


def test_a_planted_gap_is_different_and_of_an_even_model_nothing_is():
    table = of(SCORES).set_index(["model", "group"])

    assert table.loc[("base", "Black"), "verdict"] == Verdict.DIFFERENT
    assert table.loc[("base", "Black"), "difference"] == pytest.approx(-5.0, abs=1.5)
    assert table.loc[("base", "Black"), "may_be_worst"]
    assert not table.loc[("base", ["Asian", "White"]), "may_be_worst"].any()
    assert not table.loc["ours", "verdict"].str.startswith(Verdict.DIFFERENT).any()


def test_models_without_a_gap_are_hardly_ever_called_different():
    even = {f"model {number}": scored(PEOPLE, seed=100 + number) for number in range(60)}
    asked = PARAMETERS.model_copy(update={"draws": 7_200})

    table = of(even, parameters=asked)

    assert not table["verdict"].str.startswith(Verdict.DIFFERENT).any()
    assert (table["p"] <= 0.05).mean() == pytest.approx(0.05, abs=0.025), "some are, before Holm"


def test_equal_to_within_the_margin_needs_evidence():
    precise, vague = scored(PEOPLE, 1, sd=0.005), scored(PEOPLE, 1, sd=0.05)

    assert set(of({"ours": precise})["verdict"]) == {Verdict.EQUIVALENT}
    assert set(of({"ours": vague})["verdict"]) == {Verdict.INSUFFICIENT_EVIDENCE}


def test_a_small_group_is_described_never_judged_and_not_among_the_others():
    subjects = people({"Asian": 20, "Black": 7, "Other": 1, "White": 50})
    scores = scored(subjects, Black=0.6, Other=0.9)
    without = subjects.index[~subjects["race"].isin(["Black", "Other"])]

    table = of({"base": scores, "ours": scored(subjects, 5)}, subjects)
    alone = of({"base": scores.loc[without]}, subjects.loc[without])

    small = table[table["group"].isin(["Black", "Other"])]
    assert small[["model", "group", "n"]].to_numpy().tolist() == [
        [model, group, n] for model in ("base", "ours") for group, n in (("Black", 7), ("Other", 1))
    ]
    means = scores["0"].groupby(subjects["race"]).mean()
    np.testing.assert_allclose(small["mean"].iloc[:2], 100 * means[["Black", "Other"]])
    assert set(small["verdict"]) == {Verdict.INSUFFICIENT_EVIDENCE}
    assert small[["low", "p", "p_holm", "difference", "hedges_g", "detectable", "may_be_worst"]].isna().all(axis=None)
    others = table[(table["model"] == "base") & ~table["group"].isin(small["group"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(others[NUMBERS], alone[NUMBERS])


@pytest.mark.parametrize("value", [0.0, 0.1, 0.9, 1.0])
def test_scores_that_are_all_equal_are_a_point_of_which_nothing_is_known(value):
    constant = pd.DataFrame({"0": value}, PEOPLE.index)

    table = of({"ours": constant})

    for end in ("mean", "low", "high"):
        np.testing.assert_allclose(table[end], 100 * value, atol=1e-10)
    np.testing.assert_allclose(table[["sd", "difference", "hedges_g"]], 0.0, atol=1e-10)
    assert (table["p"] == 1.0).all()
    assert table["detectable"].isna().all()
    assert not table["verdict"].str.startswith(Verdict.DIFFERENT).any()


def test_intervals_end_at_what_is_possible():
    subjects = people({"Few": 8, "White": 50})
    scores = scored(subjects)
    scores[subjects["race"] == "Few"] = [[0.0]] * 7 + [[1.0]]

    table = of({"ours": scores}, subjects).set_index("group")

    assert table.loc["Few", "high"] == 100.0, "eight subjects, seven of them alike, bound nothing above"
    assert table.loc["Few", "low"] == 0.0


def test_one_group_without_spread_is_no_failure():
    scores = scored(PEOPLE, 1, sd=0.005)
    scores[PEOPLE["race"] == "Black"] = 1.0

    table = of({"ours": scores}).set_index("group")

    assert table.loc["Black", ["mean", "low", "high"]].tolist() == [100.0, 100.0, 100.0]
    assert table.loc["Black", "sd"] == 0.0
    assert table.loc["Black", "verdict"] == Verdict.DIFFERENT


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), sd=st.floats(0.001, 0.3), gap=st.floats(0.0, 0.5))
def test_whatever_the_scores_are_every_number_is_possible(seed, sd, gap):
    asked = PARAMETERS.model_copy(update={"draws": 120})

    table = of({"ours": scored(PEOPLE, seed, sd=sd, Black=gap)}, parameters=asked)

    assert table["low"].between(0.0, table["mean"]).all()
    assert table["high"].between(table["mean"], 100.0).all()
    for name in ("p", "p_holm", "p_equivalence", "p_equivalence_holm"):
        assert table[name].between(0.0, 1.0).all()
    assert (table["p_holm"] >= table["p"]).all()
    assert (table["detectable"] > 0).all()
    assert table["may_be_worst"].any()
    assert set(table["verdict"]) <= set(Verdict)
