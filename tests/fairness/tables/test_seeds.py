"""Training seeds apart: SD over groups within a seed, SD over seeds of a number, and never one for the other."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError, StudyMismatchError
from faircmr.fairness.tables import CELLS, MEASURES, table1, table1_seed_sd, table2, table2_by_seed
from faircmr.fairness.tables.paper import seed_spread
from tests.fairness.published import scores_of, subjects_of

GROUPS = ("A", "B", "C")
SUBJECTS = subjects_of({group: group for group in GROUPS}, sex=["female", "male", "male"])
SEED_SDS = [f"{name}_seed_sd" for name in MEASURES]


def scores(percent_by_seed: dict[int | None, tuple[float, ...]], strategy: str = "baseline") -> pd.DataFrame:
    """One subject a group, the same DSC in every cell; a row of numbers a seed, ``None`` for the ensemble."""
    parts = [
        scores_of({group: (value,) * 6 for group, value in zip(GROUPS, percent, strict=True)}, strategy).assign(
            seed=pd.array([seed] * 6 * len(GROUPS), dtype="Int64")
        )
        for seed, percent in percent_by_seed.items()
    ]
    return pd.concat(parts, ignore_index=True)


# Avg 80 and 86, SD 10 and sqrt((4^2 + 2^2 + 2^2) / 2), SER 30/10 and 16/10
TWO_SEEDS = scores({0: (90.0, 80.0, 70.0), 1: (90.0, 84.0, 84.0)})
SD_OF_SEEDS = (10.0, math.sqrt(12.0))
# a group averaged over seeds: 90, 82, 77, so that Avg is 83 and SD sqrt((7^2 + 1^2 + 6^2) / 2)
AVERAGED = [90.0, 82.0, 77.0, 83.0, math.sqrt(43.0), 2.3]


def test_each_seed_has_a_row_of_its_own_measures():
    table = table2_by_seed({"baseline": TWO_SEEDS}, SUBJECTS)

    assert list(table.columns) == ["strategy", "seed", *GROUPS, "Avg", "SD", "SER"]
    assert table["seed"].tolist() == [0, 1]
    assert table.iloc[0, 2:].tolist() == pytest.approx([90.0, 80.0, 70.0, 80.0, SD_OF_SEEDS[0], 3.0])
    assert table.iloc[1, 2:].tolist() == pytest.approx([90.0, 84.0, 84.0, 86.0, SD_OF_SEEDS[1], 1.6])


def test_the_spread_over_seeds_is_the_sample_sd_of_each_number():
    row = seed_spread(table2_by_seed({"baseline": TWO_SEEDS}, SUBJECTS)).iloc[0]

    assert (row["strategy"], row["seeds"]) == ("baseline", 2)
    assert row[["A_seed_mean", "B_seed_mean", "C_seed_mean"]].tolist() == pytest.approx([90.0, 82.0, 77.0])
    assert row[["A_seed_sd", "B_seed_sd", "C_seed_sd"]].tolist() == pytest.approx(
        [0.0, 4.0 / math.sqrt(2), 14.0 / math.sqrt(2)]
    )
    assert row["SD_seed_mean"] == pytest.approx(sum(SD_OF_SEEDS) / 2)
    assert row["SD_seed_sd"] == pytest.approx((SD_OF_SEEDS[0] - SD_OF_SEEDS[1]) / math.sqrt(2))


def test_table_2_keeps_its_meaning_and_shows_the_spread_beside_it():
    row = table2({"baseline": TWO_SEEDS}, SUBJECTS).iloc[0]

    assert row[[*GROUPS, *MEASURES]].tolist() == pytest.approx(AVERAGED)
    assert row["seeds"] == 2
    assert row[SEED_SDS].tolist() == pytest.approx(
        [6.0 / math.sqrt(2), (SD_OF_SEEDS[0] - SD_OF_SEEDS[1]) / math.sqrt(2), 1.4 / math.sqrt(2)]
    )


def test_the_sd_of_table_2_is_not_the_mean_over_seeds_of_sds():
    spread = seed_spread(table2_by_seed({"baseline": TWO_SEEDS}, SUBJECTS)).iloc[0]

    assert table2({"baseline": TWO_SEEDS}, SUBJECTS).iloc[0]["SD"] == pytest.approx(6.557, abs=0.001)
    assert spread["SD_seed_mean"] == pytest.approx(6.732, abs=0.001)


@pytest.mark.parametrize("seed", [0, 7, None], ids=["seed 0", "seed 7", "ensemble"])
def test_one_training_has_one_row_no_spread_and_no_columns_of_it_in_table_2(seed: int | None):
    study = {"baseline": scores({seed: (90.0, 80.0, 70.0)})}

    table, by_seed = table2(study, SUBJECTS), table2_by_seed(study, SUBJECTS)

    assert list(table.columns) == ["strategy", *GROUPS, *MEASURES, "seeds"]
    assert table["seeds"].tolist() == [1]
    assert by_seed["seed"].tolist() == [pd.NA if seed is None else seed]
    assert by_seed.iloc[0, 2:].tolist() == table.iloc[0, 1:-1].tolist()
    assert seed_spread(by_seed).iloc[0].filter(like="_seed_sd").isna().all()


def test_strategies_may_have_other_seeds_and_one_of_them_an_ensemble():
    study = {
        "baseline": TWO_SEEDS,
        "stratified": scores({5: (88.0, 88.0, 85.0), 3: (88.0, 86.0, 85.0), 4: (85.0, 87.0, 85.0)}, "stratified"),
        "balanced": scores({None: (80.0, 79.0, 78.0)}, "balanced"),
        "other": scores({9: (81.0, 79.0, 78.0)}, "other"),
    }

    table, by_seed = table2(study, SUBJECTS), table2_by_seed(study, SUBJECTS)

    assert table["strategy"].tolist() == list(study)
    assert table["seeds"].tolist() == [2, 3, 1, 1]
    assert by_seed["seed"].tolist() == [0, 1, 3, 4, 5, pd.NA, 9]
    assert table[SEED_SDS].notna().all(axis=1).tolist() == [True, True, False, False]
    assert table[SEED_SDS].isna().all(axis=1).tolist() == [False, False, True, True]


dsc = st.floats(1.0, 99.0)
row = st.tuples(dsc, dsc, dsc)


@settings(max_examples=6)
@given(row, st.integers(2, 4))
def test_equal_seeds_have_no_spread_and_are_as_one(percent: tuple[float, ...], repeats: int):
    one, many = scores({0: percent}), scores(dict.fromkeys(range(repeats), percent))

    table = table2({"baseline": many}, SUBJECTS)

    assert table[SEED_SDS].to_numpy() == pytest.approx(0.0, abs=1e-9)
    single = table2({"baseline": one}, SUBJECTS).iloc[0]
    assert table.iloc[0][[*GROUPS, *MEASURES]].tolist() == pytest.approx(single[[*GROUPS, *MEASURES]].tolist())
    assert table1_seed_sd({"baseline": many}, SUBJECTS, [])["Avg"].to_numpy() == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=6)
@given(st.lists(row, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_neither_the_names_nor_the_order_of_seeds_matter(rows, random):
    seeds = random.sample(range(100), len(rows))
    shuffled = scores(dict(zip(seeds, rows, strict=True))).sample(frac=1.0, random_state=random.randrange(1000))

    table = table2({"baseline": shuffled}, SUBJECTS).drop(columns="strategy")

    as_given = table2({"baseline": scores(dict(enumerate(rows)))}, SUBJECTS).drop(columns="strategy")
    assert table.to_numpy(float) == pytest.approx(as_given.to_numpy(float), abs=1e-6)


@settings(max_examples=6)
@given(st.lists(row, min_size=2, max_size=4))
def test_averaging_over_seeds_first_never_makes_the_sd_larger(rows):
    study = {"baseline": scores(dict(enumerate(rows)))}

    spread = seed_spread(table2_by_seed(study, SUBJECTS)).iloc[0]

    averaged = table2(study, SUBJECTS).iloc[0]
    assert averaged["SD"] <= spread["SD_seed_mean"] + 1e-9
    assert averaged[["Avg", *GROUPS]].tolist() == pytest.approx(
        spread[[f"{name}_seed_mean" for name in ("Avg", *GROUPS)]].tolist()
    )


def test_how_far_infinite_ratios_spread_is_unknown():
    perfect = scores({0: (100.0, 80.0, 70.0), 1: (90.0, 84.0, 84.0)})

    table = table2({"baseline": perfect}, SUBJECTS).iloc[0]

    assert math.isnan(table["SER_seed_sd"])
    assert table["SD_seed_sd"] > 0


def test_a_group_that_nobody_tested_has_no_spread_and_does_not_disturb_that_of_the_measures():
    subjects = subjects_of({**{group: group for group in GROUPS}, "sub-0099": "Unseen"})

    spread = seed_spread(table2_by_seed({"baseline": TWO_SEEDS}, subjects)).iloc[0]

    assert math.isnan(spread["Unseen_seed_sd"])
    assert spread["Avg_seed_sd"] == pytest.approx(6.0 / math.sqrt(2))


class TestTable1:
    def test_has_the_rows_of_table_1_and_the_sd_of_each_cell_in_place_of_the_cell(self):
        spread = table1_seed_sd({"baseline": TWO_SEEDS}, SUBJECTS, ["sex"])

        means = table1(TWO_SEEDS, SUBJECTS, ["sex"])
        assert list(spread.columns) == ["strategy", "seeds", *means.columns]
        assert spread[["attribute", "group", "n"]].equals(means[["attribute", "group", "n"]])
        by_group = spread.set_index("group")
        assert by_group.loc["B", CELLS[0]] == pytest.approx(4.0 / math.sqrt(2))
        # men are B and C: their mean is 75 of the one seed and 84 of the other
        assert by_group.loc["male", "Avg"] == pytest.approx(9.0 / math.sqrt(2))
        assert by_group.loc["A", list(CELLS)].tolist() == pytest.approx([0.0] * 6, abs=1e-9)

    def test_leaves_out_strategies_with_one_seed(self):
        study = {"balanced": scores({0: (80.0, 79.0, 78.0)}, "balanced"), "baseline": TWO_SEEDS}

        assert set(table1_seed_sd(study, SUBJECTS, [])["strategy"]) == {"baseline"}

    def test_of_strategies_with_one_seed_alone_has_columns_and_no_rows(self):
        table = table1_seed_sd({"baseline": scores({0: (80.0, 79.0, 78.0)})}, SUBJECTS, [])

        assert list(table.columns) == ["strategy", "seeds", "attribute", "group", "n", *CELLS, "Avg"]
        assert table.empty

    def test_is_unknown_where_a_seed_has_no_value(self):
        without = TWO_SEEDS[
            ~((TWO_SEEDS["seed"] == 1) & (TWO_SEEDS["phase"] == "ES") & (TWO_SEEDS["subject_id"] == "A"))
        ]

        row = table1_seed_sd({"baseline": without}, SUBJECTS, []).set_index("group").loc["A"]

        assert np.isnan(row[["ES LVBP", "ES LVM", "ES RVBP"]].astype(float)).all()
        assert row["ED LVBP"] == pytest.approx(0.0, abs=1e-9)


def test_refuses_a_seed_that_was_scored_on_fewer_subjects_and_counts_nobody_by_name():
    incomplete = TWO_SEEDS[~((TWO_SEEDS["seed"] == 1) & (TWO_SEEDS["subject_id"] == "C"))]

    with pytest.raises(StudyMismatchError, match="baseline, training seeds: 1 scored on fewer subjects than others"):
        table2({"baseline": incomplete}, SUBJECTS)


@pytest.mark.parametrize("name", ["seed", "seeds", "SER_seed_sd"])
def test_no_group_may_have_the_name_of_a_column(name: str):
    with pytest.raises(InvalidCohortError, match=f"'{name}'; a name that is no column of Table 2"):
        table2_by_seed({"baseline": TWO_SEEDS}, SUBJECTS.replace({"protected_group": {"A": name}}))
