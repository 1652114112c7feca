"""What is left of a difference is told beside what it was, of the same people, and who they are not."""

import re

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidParameterError, generator
from faircmr.fairness.adjustment import CONSTANT, IS_THE_GROUP, Covariates, Draws, adjusted_differences
from faircmr.fairness.audit.adjusted_tables import ADJUSTED_COLUMNS, adjusted_table
from faircmr.fairness.inference import holm
from tests.fairness.audit.tables import ID, PARAMETERS, SIZES, answered, people, scored

RNG = generator(0, "covariates")
# Black subjects are older, and hearts and centres are nobody's
PEOPLE = people().assign(
    age=lambda table: RNG.normal(60, 8, len(table)) + 15 * (table["race"] == "Black"),
    centre=lambda table: RNG.choice(["11", "12", "13"], len(table)),
    heart=lambda table: RNG.normal(100, 15, len(table)),
)
OLDER = (PEOPLE[["age"]].to_numpy() - 60) * 0.002
SCORES = {"ageist": scored(PEOPLE, 1, sd=0.01) - OLDER, "even": scored(PEOPLE, 2)}
ASKED = PARAMETERS.model_copy(update={"covariates": ("age", "centre"), "mediators": ("heart",)})
ADJUSTMENTS = ["none", "confounders", "confounders and mediators"]


def of(scores=SCORES, subjects=PEOPLE, **asked) -> tuple[pd.DataFrame, list[str]]:
    return adjusted_table(answered(scores, subjects, ASKED.model_copy(update=asked)), subjects)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return of()[0]


def test_one_row_a_model_adjustment_and_group(table):
    assert list(table.columns) == ADJUSTED_COLUMNS
    assert table[["model", "adjustment", "group"]].to_numpy().tolist() == [
        [model, adjustment, group] for model in SCORES for adjustment in ADJUSTMENTS for group in SIZES
    ]
    assert set(table["attribute"]) == {"race"}
    assert table["n"].tolist() == [20, 12, 50] * 6


def test_without_adjustment_it_is_the_difference_of_means_in_points(table):
    differences = table.set_index(["adjustment", "model", "group"]).sort_index()["difference"]["none"]

    for (model, group), difference in differences.items():
        own, scores = (PEOPLE["race"] == group).to_numpy(), SCORES[model]["0"]
        assert difference == pytest.approx(100 * (scores[own].mean() - scores[~own].mean()))


def test_numbers_are_those_of_the_regression_of_the_model_alone(table):
    covariates = Covariates(numeric=("age",), categorical=("centre",), mediators=("heart",))
    for model, of_model in table.groupby("model"):
        draws = Draws(ASKED.draws, ASKED.seed)
        alone = adjusted_differences(
            SCORES[model]["0"], PEOPLE["race"], PEOPLE, covariates, draws, ASKED.min_group_size
        )
        rows = of_model.reset_index(drop=True)

        np.testing.assert_allclose(
            rows[["difference", "low", "high"]], 100 * alone.differences[["difference", "low", "high"]]
        )
        np.testing.assert_array_equal(rows["p"], alone.differences["p"])
        of_all = alone.ancova.query("term == 'group'").set_index("adjustment")["p"]
        np.testing.assert_array_equal(rows["p_all_groups"], of_all[rows["adjustment"]])


def test_agrees_with_least_squares_of_statsmodels(table):
    import statsmodels.formula.api as smf

    data = PEOPLE.assign(score=100 * SCORES["ageist"]["0"])
    model = smf.ols("score ~ 0 + C(race) + age + C(centre)", data).fit()
    levels, sizes = model.params.filter(like="race").to_numpy(), np.array(list(SIZES.values()))

    found = table.query("model == 'ageist' and adjustment == 'confounders'")["difference"]

    rest = [np.average(np.delete(levels, place), weights=np.delete(sizes, place)) for place in range(3)]
    np.testing.assert_allclose(found, levels - rest)


def test_a_difference_that_age_makes_is_explained_by_age(table):
    rows = table.query("model == 'ageist' and group == 'Black'").set_index("adjustment")

    # 15 years at 0.2 points
    assert rows.loc["none", "difference"] == pytest.approx(-3, abs=1)
    assert rows.loc["none", "p_holm"] < 0.05
    assert abs(rows.loc["confounders", "difference"]) < 1
    assert rows.loc["confounders", "low"] < 0 < rows.loc["confounders", "high"]


def test_the_family_of_holm_is_all_models_and_groups_of_an_adjustment():
    # models of other subjects are of the same family
    table, _ = of({**SCORES, "less": scored(PEOPLE, 3, Black=0.02).iloc[3:]})

    for _, rows in table.groupby("adjustment"):
        assert len(rows) == 9
        np.testing.assert_allclose(rows["p_holm"], holm(rows["p"].to_numpy()))


@pytest.mark.parametrize(
    ("asked", "adjustments"),
    [
        ({"mediators": ()}, ADJUSTMENTS[:2]),
        ({"covariates": ()}, [ADJUSTMENTS[0], ADJUSTMENTS[2]]),
        ({"covariates": ("age", "age", "centre")}, ADJUSTMENTS),
    ],
    ids=["no mediators", "mediators alone", "one named twice"],
)
def test_adjusts_for_what_is_asked(asked, adjustments, table):
    found, _ = of(**asked)

    assert found["adjustment"].unique().tolist() == adjustments
    # whatever is adjusted for, the subjects are the same
    none, before = (each.query("adjustment == 'none'").reset_index(drop=True) for each in (found, table))
    pd.testing.assert_frame_equal(none, before)


@pytest.mark.parametrize("covariates", [(), ("race",)], ids=["none", "the attribute itself"])
def test_has_no_rows_where_there_is_nothing_to_adjust_for(covariates):
    table, notes = of(covariates=covariates, mediators=())

    assert table.empty
    assert list(table.columns) == ADJUSTED_COLUMNS
    assert notes == []


def test_has_no_rows_for_pairs_of_attributes():
    subjects = PEOPLE.assign(**{"race x sex": PEOPLE["race"] + " x " + PEOPLE["sex"]})

    table, notes = of(subjects=subjects, attributes=("race x sex",), min_group_size=6)

    assert table.empty
    assert notes == []


def test_same_seed_same_table_and_another_seed_another(table):
    pd.testing.assert_frame_equal(of()[0], table)
    other, _ = of(seed=1)
    assert not other["p"].equals(table["p"])
    np.testing.assert_array_equal(other["difference"], table["difference"])


def test_an_interval_has_the_confidence_that_was_asked_for(table):
    sure, _ = of(alpha=0.01)

    assert ((sure["high"] - sure["low"]) > (table["high"] - table["low"])).all()


class TestNotes:
    LACKING = PEOPLE.assign(age=PEOPLE["age"].where(np.arange(len(PEOPLE)) % 10 > 0))

    def test_say_how_many_are_left_out_once_for_all_models(self):
        table, notes = of(subjects=self.LACKING)

        left_out = [note for note in notes if "left out" in note]
        assert len(left_out) == 1
        assert left_out[0].startswith("ageist, even by race, adjusted: 9 subjects are left out, and so are they from ")
        assert table.groupby(["model", "adjustment"])["n"].sum().unique().tolist() == [82 - 9]

    def test_every_adjustment_is_of_those_who_are_complete(self):
        table, _ = of(subjects=self.LACKING)
        complete = PEOPLE[self.LACKING["age"].notna()]

        of_them, _ = of({model: scores.loc[complete.index] for model, scores in SCORES.items()}, complete)

        pd.testing.assert_frame_equal(table, of_them)

    def test_count_those_whose_group_is_not_recorded(self):
        table, notes = of(subjects=PEOPLE.assign(race=PEOPLE["race"].where(np.arange(len(PEOPLE)) > 2)))

        assert "3 subjects are left out" in notes[0]
        assert "their group or a covariate is not recorded" in notes[0]
        assert table["n"].iloc[0] == 17

    def test_a_group_that_is_too_small_once_covariates_are_known_has_no_rows(self):
        black = (PEOPLE["race"] == "Black").cumsum() * (PEOPLE["race"] == "Black")

        table, notes = of(subjects=PEOPLE.assign(age=PEOPLE["age"].where(~black.between(1, 5))))

        assert table["group"].unique().tolist() == ["Asian", "White"]
        assert "12 subjects are left out" in notes[0]

    def test_where_no_two_groups_are_left_it_is_said_and_there_are_no_rows(self):
        table, notes = of(subjects=PEOPLE.assign(age=PEOPLE["age"].where(PEOPLE["race"] == "White")))

        assert table.empty
        (note,) = notes
        assert note.startswith("ageist, even by race, adjusted: ")

    def test_name_a_covariate_that_cannot_be_adjusted_for_and_why(self):
        by_race = PEOPLE["race"].map({"Asian": "a", "Black": "b", "White": "c"})

        _, notes = of(subjects=PEOPLE.assign(language=by_race, scanner="one"), covariates=("language", "scanner"))

        assert [note for note in notes if "not adjusted for" in note] == [
            f"ageist, even by race, adjusted: {name} is not adjusted for: {reason}."
            for name, reason in {"language": IS_THE_GROUP, "scanner": CONSTANT}.items()
        ]

    def test_warn_where_a_group_barely_overlaps_with_the_rest(self):
        older = PEOPLE.assign(age=PEOPLE["age"] + 60 * (PEOPLE["race"] == "Black"))

        _, notes = of(subjects=older)

        assert any(
            note.endswith("Black: 0% have their like in age among the rest; adjustment extrapolates.") for note in notes
        )

    def test_name_nobody(self):
        _, notes = of(subjects=self.LACKING.assign(scanner="one"), covariates=("age", "scanner"))

        assert len(notes) >= 2
        assert not re.search(ID, " ".join(notes))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"covariates": ("wealth",)}, "covariates: wealth; one of race, sex, age, centre, heart"),
        ({"mediators": ("wealth",)}, "covariates: wealth; one of race, sex, age, centre, heart"),
        ({"mediators": ("sex",)}, "sex with 82 values that are no finite numbers"),
    ],
    ids=["covariate", "mediator", "a mediator that is no number"],
)
def test_a_covariate_that_is_not_there_or_no_number_is_refused(asked, said):
    with pytest.raises(InvalidParameterError, match=said):
        of(**asked)
