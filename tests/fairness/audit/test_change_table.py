"""What a model gives and takes is told of the same subjects under both models."""

import numpy as np
import pandas as pd
import pytest

from faircmr.fairness.audit.comparison import Baseline, cohorts_by_subjects
from faircmr.fairness.audit.tables import CHANGE_COLUMNS, MEAN_OF_GROUPS, WORST, change_table
from faircmr.fairness.inference import bootstrap_t, bootstrap_t_over_seeds, holm, sign_flip_tests
from faircmr.fairness.tables import disparity_sd
from tests.fairness.audit.tables import PARAMETERS, SIZES, answered, divided, people, scored

PEOPLE = people()
BASE = scored(PEOPLE, 1, Black=0.05)
# better for the group that was worst, worse for that which was best, and the same subjects are hard
LEVELLED = BASE + 0.01 * (PEOPLE[["race"]] == "Black").to_numpy() - 0.03 * (PEOPLE[["race"]] == "White").to_numpy()
LEVELLED = LEVELLED + (scored(PEOPLE, 9, sd=0.004) - 0.9)
OURS = scored(PEOPLE, 2)
GROUPS = [*SIZES, MEAN_OF_GROUPS, WORST]


def of(scores, subjects=PEOPLE, baseline="") -> pd.DataFrame:
    return change_table(answered(scores, subjects), Baseline.of(cohorts_by_subjects(scores, subjects.index), baseline))


def test_one_row_a_model_and_group_and_none_of_the_baseline():
    table = of({"base": BASE, "ours": OURS, "levelled": LEVELLED})

    assert list(table.columns) == CHANGE_COLUMNS
    assert table[["model", "group"]].to_numpy().tolist() == [
        [model, group] for model in ("ours", "levelled") for group in GROUPS
    ]
    assert table["n"].tolist() == [20, 12, 50, 82, 82] * 2
    assert set(table["not_paired"]) == {0}


def test_changes_are_differences_of_means_in_points():
    before, after = (table["0"].groupby(PEOPLE["race"]).mean() for table in (BASE, OURS))

    table = of({"base": BASE, "ours": OURS}).set_index("group")

    np.testing.assert_allclose(table.loc[list(SIZES), "change"], 100 * (after - before))
    assert table.loc[MEAN_OF_GROUPS, "change"] == pytest.approx(100 * (after - before).mean())
    assert table.loc[WORST, "change"] == pytest.approx(100 * (after.min() - before.min()))


def test_numbers_are_those_of_the_inference_of_the_model_alone():
    changes, groups = (OURS - BASE)["0"].to_numpy(), divided({"ours": OURS}, PEOPLE)[0].groups
    drawn = bootstrap_t(changes, groups, PARAMETERS.draws, PARAMETERS.seed)
    flips = sign_flip_tests(changes, groups, PARAMETERS.draws, PARAMETERS.seed)
    region = drawn.region(0.95)

    table = of({"base": BASE, "levelled": LEVELLED, "ours": OURS}).query("model == 'ours'")

    low = [*drawn.groups.interval(0.95).low, drawn.mean_of_groups.interval(0.95).low, region.low.min()]
    high = [*drawn.groups.interval(0.95).high, drawn.mean_of_groups.interval(0.95).high, region.high.max()]
    np.testing.assert_allclose(table["low"], 100 * np.array(low))
    np.testing.assert_allclose(table["high"], 100 * np.array(high))
    np.testing.assert_array_equal(table["p"], [*flips.p_values, np.nan, np.nan])


def test_the_family_of_holm_is_all_models_and_groups_but_the_baseline():
    table = of({"base": BASE, "ours": OURS, "twice": scored(PEOPLE, 3, trainings=2)})

    assert table["p"].notna().sum() == 6
    np.testing.assert_allclose(table["p_holm"], holm(table["p"]))


def test_levelling_down_is_seen_although_the_groups_are_more_even():
    before, after = (disparity_sd(table["0"].groupby(PEOPLE["race"]).mean()) for table in (BASE, LEVELLED))

    table = of({"base": BASE, "levelled": LEVELLED}).set_index("group")

    assert after < before
    assert table.loc["White", "high"] < -2.5
    assert table.loc["White", "p_holm"] < 0.01
    assert table.loc["Black", "low"] > 0.0
    assert table.loc["Asian", "low"] < 0.0 < table.loc["Asian", "high"]


def test_pairs_make_intervals_short():
    paired = of({"base": BASE, "levelled": LEVELLED}).set_index("group")
    unpaired = of({"base": BASE, "ours": OURS}).set_index("group")

    assert ((paired["high"] - paired["low"]) < (unpaired["high"] - unpaired["low"]) / 2).loc[list(SIZES)].all()


def test_the_baseline_may_be_any_model():
    forth = of({"base": BASE, "ours": OURS}).query("group != @WORST")
    back = of({"base": BASE, "ours": OURS}, baseline="ours").query("group != @WORST")

    assert set(back["model"]) == {"base"}
    np.testing.assert_allclose(back["change"], -forth["change"])


def test_a_model_that_is_the_baseline_does_not_change():
    table = of({"base": BASE, "again": BASE})

    np.testing.assert_array_equal(table[["change", "low", "high"]], 0.0)
    assert (table["p"].dropna() == 1.0).all()


def test_the_baseline_alone_has_no_rows():
    table = of({"base": BASE})

    assert list(table.columns) == CHANGE_COLUMNS
    assert table.empty


def test_models_with_different_subjects_are_paired_on_those_whom_both_scored():
    ours, base = OURS.iloc[3:], BASE.iloc[:-4]
    common = PEOPLE.index[3:-4]

    table = of({"base": base, "ours": ours})
    alone = of({"base": BASE.loc[common], "ours": OURS.loc[common]})

    assert set(table["not_paired"]) == {7}
    assert table["n"].tolist() == [17, 12, 46, 75, 75]
    pd.testing.assert_frame_equal(table.drop(columns="not_paired"), alone.drop(columns="not_paired"))


def test_models_with_different_numbers_of_trainings_are_paired_by_their_averages():
    several = scored(PEOPLE, 3, trainings=3)

    table, averaged = (of({"base": BASE, "ours": each}) for each in (several, several.mean(axis=1).to_frame("0")))

    pd.testing.assert_frame_equal(table, averaged)
    assert set(table["not_paired"]) == {0}


def test_trainings_are_drawn_again_where_both_models_were_trained_as_often():
    base = scored(PEOPLE, 1, trainings=3)
    ours = scored(PEOPLE, 2, trainings=3) + np.array([-0.06, -0.03, 0.0])
    groups = divided({"ours": ours}, PEOPLE)[0].groups
    drawn = bootstrap_t_over_seeds((ours - base).to_numpy().T, groups, PARAMETERS.draws, PARAMETERS.seed)
    averages = {"base": base.mean(axis=1).to_frame("0"), "ours": ours.mean(axis=1).to_frame("0")}

    table, averaged = (of(each).set_index("group") for each in ({"base": base, "ours": ours}, averages))

    low, high = (getattr(drawn.groups.interval(0.95), end) for end in ("low", "high"))
    np.testing.assert_allclose(table.loc[list(SIZES), ["low", "high"]], 100 * np.column_stack([low, high]))
    np.testing.assert_allclose(table["change"], averaged["change"])
    assert ((table["high"] - table["low"]) > 2 * (averaged["high"] - averaged["low"])).all()
    np.testing.assert_array_equal(table["p"], averaged["p"])


def test_a_small_group_has_its_change_and_nothing_else():
    subjects = people({"Asian": 20, "Black": 7, "White": 50})
    base, ours = scored(subjects, 1), scored(subjects, 2, Black=0.4)
    without = subjects.index[subjects["race"] != "Black"]

    table = of({"base": base, "ours": ours}, subjects).set_index("group")
    alone = of({"base": base.loc[without], "ours": ours.loc[without]}, subjects.loc[without]).set_index("group")

    change = (ours - base)["0"][subjects["race"] == "Black"].mean()
    assert table.loc["Black", "change"] == pytest.approx(100 * change)
    assert table.loc["Black", "n"] == 7
    assert table.loc["Black", ["low", "high", "p", "p_holm"]].isna().all()
    pd.testing.assert_frame_equal(table.drop("Black"), alone)


def test_a_group_that_is_too_small_among_the_pairs_is_not_judged():
    of_black = PEOPLE.index[PEOPLE["race"] == "Black"]

    table = of({"base": BASE, "ours": OURS.drop(of_black[:5])}).set_index("group")

    assert table.loc["Black", "n"] == 7
    assert table.loc["Black", ["low", "high", "p"]].isna().all()
    assert table.loc[["Asian", "White"], "p"].notna().all()


def test_of_pairs_of_one_group_alone_the_change_is_described():
    white = PEOPLE.index[PEOPLE["race"] == "White"]
    base = BASE.loc[[*PEOPLE.index[:20], *white[:20]]]
    ours = OURS.loc[[*PEOPLE.index[20:32], *white]]

    table = of({"base": base, "ours": ours})

    assert table[["group", "n", "not_paired"]].to_numpy().tolist() == [["White", 20, 62]]
    assert table["change"].tolist() == pytest.approx([100 * (ours - base)["0"].loc[white[:20]].mean()])
    assert table[["low", "high", "p", "p_holm"]].isna().all(axis=None)


def test_models_without_a_subject_in_common_have_no_change():
    assert of({"base": BASE.iloc[::2], "ours": OURS.iloc[1::2]}).empty


def test_intervals_end_at_what_is_possible():
    subjects = people({"Few": 8, "White": 50})
    ours = scored(subjects, 2)
    ours[subjects["race"] == "Few"] = [[0.0]] * 7 + [[1.0]]

    table = of({"base": scored(subjects, 1), "ours": ours}, subjects)

    assert (table["low"] >= -100.0).all()
    assert (table["high"] <= 100.0).all()
    assert (table["high"] == 100.0).any(), "eight subjects, seven of them alike, bound nothing above"
