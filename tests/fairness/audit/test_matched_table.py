"""Pairs of people who are alike: how many there are, what they say, and what they are still unlike in."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_rel

from faircmr.core import InvalidParameterError, generator
from faircmr.fairness.adjustment import Covariates, matched_difference
from faircmr.fairness.audit import adjusted_tables as module
from faircmr.fairness.audit.adjusted_tables import MATCHED_COLUMNS, matched_table
from faircmr.fairness.inference import holm
from tests.fairness.audit.tables import ID, PARAMETERS, SIZES, answered, people, scored

RNG = generator(0, "pairs")
# Black subjects are older; hearts and centres are nobody's
PEOPLE = people().assign(
    age=lambda table: RNG.normal(60, 8, len(table)) + 6 * (table["race"] == "Black"),
    centre=lambda table: RNG.choice(["11", "12"], len(table)),
    heart=lambda table: RNG.normal(100, 15, len(table)),
)
SCORES = {"ageist": scored(PEOPLE, 1, sd=0.005) - 0.003 * (PEOPLE[["age"]].to_numpy() - 60), "even": scored(PEOPLE, 2)}
ASKED = PARAMETERS.model_copy(update={"covariates": ("age", "centre"), "mediators": ("heart",)})
SETS = ["confounders", "confounders and mediators"]


def of(scores=SCORES, subjects=PEOPLE, **asked) -> tuple[pd.DataFrame, list[str]]:
    return matched_table(answered(scores, subjects, ASKED.model_copy(update=asked)), subjects)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return of(min_group_size=4)[0]


def test_one_row_a_model_set_of_covariates_and_group(table):
    assert list(table.columns) == MATCHED_COLUMNS
    rows = table[["model", "matched_on", "group"]].sort_values("model", kind="stable")
    assert rows.to_numpy().tolist() == [[model, one, group] for model in SCORES for one in SETS for group in SIZES]
    assert table["n"].tolist() == np.repeat([20, 12, 50], 2).tolist() * 2


def test_numbers_are_those_of_matching_each_model_by_itself(table):
    sets = dict(
        zip(
            SETS,
            (Covariates(numeric=("age",), categorical=("centre",), mediators=m) for m in ((), ("heart",))),
            strict=True,
        )
    )
    for row in table.itertuples():
        found = matched_difference(
            SCORES[row.model]["0"], PEOPLE["race"], PEOPLE, sets[row.matched_on], row.group, ASKED.seed
        )

        assert (row.pairs, row.n - row.pairs) == (len(found.pairs), found.unmatched)
        assert (row.difference, row.low, row.high) == pytest.approx(
            (100 * found.difference, 100 * found.low, 100 * found.high)
        )
        assert row.p == pytest.approx(found.p)


def test_agrees_with_the_paired_t_test_of_scipy(table):
    covariates = Covariates(numeric=("age",), categorical=("centre",))
    pairs = matched_difference(SCORES["even"]["0"], PEOPLE["race"], PEOPLE, covariates, "Black", ASKED.seed).pairs

    found = table.query("model == 'even' and group == 'Black' and matched_on == 'confounders'").iloc[0]

    tested = ttest_rel(*(SCORES["even"]["0"][pairs[side]] for side in ("member", "other")))
    assert found["p"] == pytest.approx(tested.pvalue)


def test_a_difference_that_age_makes_is_smaller_between_people_of_one_age(table):
    black = (PEOPLE["race"] == "Black").to_numpy()
    values = SCORES["ageist"]["0"]
    before = 100 * (values[black].mean() - values[~black].mean())

    row = table.query("model == 'ageist' and group == 'Black' and matched_on == 'confounders'").iloc[0]

    assert before < -1.0
    assert abs(row["difference"]) < 0.5 * abs(before)
    assert abs(row["imbalance_after"]) < row["imbalance_before"]


def named_in(unbalanced: object) -> list[str]:
    return [] if pd.isna(unbalanced) else str(unbalanced).split(", ")


def test_names_what_pairs_are_still_unlike_in_and_in_what_they_were_not_matched(table):
    for row in table.itertuples():
        named = {part.rsplit(" ", 1)[0]: float(part.rsplit(" ", 1)[1]) for part in named_in(row.unbalanced)}

        # two decimals of what is 0.1 at least
        assert all(abs(value) >= 0.1 for value in named.values())
        assert row.imbalance_after == pytest.approx(max(map(abs, named.values()), default=0.0), abs=0.1)
    assert table["unbalanced"].str.contains("heart").any()
    assert not table["unbalanced"].str.contains("centre").any()


def test_holm_counts_all_groups_and_models_of_a_set(table):
    for _, rows in table.groupby("matched_on"):
        np.testing.assert_allclose(rows["p_holm"], holm(rows["p"].to_numpy()))


def test_with_fewer_pairs_than_a_group_needs_nothing_is_said_of_chance():
    older = PEOPLE.assign(age=PEOPLE["age"] + 12 * (PEOPLE["race"] == "Black"))
    table, _ = of(subjects=older)
    few = table["pairs"] < ASKED.min_group_size

    assert few.any()
    assert table.loc[few, ["low", "high", "p", "p_holm"]].isna().all(axis=None)
    assert table.loc[few & (table["pairs"] > 0), "difference"].notna().all()
    assert table.loc[~few, ["low", "high", "p", "p_holm"]].notna().all(axis=None)


def test_nobody_alike_is_no_pair_and_no_number():
    table, _ = of(subjects=PEOPLE.assign(age=PEOPLE["age"] + 200 * (PEOPLE["race"] == "Black")))
    row = table.query("group == 'Black'").iloc[0]

    assert (row["n"], row["pairs"]) == (12, 0)
    assert pd.isna(row["unbalanced"])
    assert np.isnan([row["difference"], row["p"], row["imbalance_after"]]).all()


def test_an_interval_has_the_confidence_that_was_asked_for():
    sure, usual = (of(alpha=alpha, min_group_size=4)[0] for alpha in (0.01, 0.05))

    assert ((sure["high"] - sure["low"]) > (usual["high"] - usual["low"])).all()


def test_small_groups_are_neither_matched_nor_anybody_s_pair():
    table, _ = of(min_group_size=15)

    assert table["group"].unique().tolist() == ["Asian", "White"]
    assert set(table["n"]) == {20, 50}


def test_who_lacks_a_covariate_is_in_no_pair():
    lacking = PEOPLE.assign(age=PEOPLE["age"].where(np.arange(len(PEOPLE)) % 10 > 0))

    complete = PEOPLE["race"][lacking["age"].notna()].value_counts()
    assert complete.sum() < len(PEOPLE)
    found = of(subjects=lacking)[0]
    assert found["n"].tolist() == found["group"].map(complete).tolist()


@pytest.mark.parametrize(
    "asked",
    [{"covariates": (), "mediators": ()}, {"covariates": ("race",), "mediators": ()}],
    ids=["none", "the attribute itself"],
)
def test_has_no_rows_where_there_is_nothing_to_be_alike_in(asked):
    table, notes = of(**asked)

    assert table.empty
    assert list(table.columns) == MATCHED_COLUMNS
    assert notes == []


def test_has_no_rows_for_pairs_of_attributes_and_where_no_two_groups_are_complete():
    both = PEOPLE.assign(**{"race x sex": PEOPLE["race"] + " x " + PEOPLE["sex"]})
    assert of(subjects=both, attributes=("race x sex",), min_group_size=6)[0].empty

    assert of(subjects=PEOPLE.assign(age=PEOPLE["age"].where(PEOPLE["race"] == "White")))[0].empty


def test_more_people_than_can_be_compared_are_told_and_left_to_the_regression(monkeypatch):
    monkeypatch.setattr(module, "MOST_COMPARISONS", 1_000)

    table, notes = of()

    assert table["group"].unique().tolist() == ["Black"]
    assert notes == ["By race, Asian, White and all others are too many to be matched."]


def test_same_seed_same_table_and_names_nobody(table):
    pd.testing.assert_frame_equal(of(min_group_size=4)[0], table)
    assert not re.search(ID, table.to_csv(float_format="%.3f"))


def test_a_covariate_that_is_not_there_is_refused():
    with pytest.raises(InvalidParameterError, match="covariates: wealth; one of race, sex, age, centre, heart"):
        of(covariates=("wealth",))
