"""A study's strategies are audited as anybody's models are, with its own attributes and the size of hearts."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import (
    HEART_SIZE,
    PROTECTED_GROUP,
    InvalidCohortError,
    InvalidScoresError,
    StudyMismatchError,
    generator,
)
from faircmr.core.study import AttributeParameters
from faircmr.fairness.audit import audit, audit_strategies
from faircmr.fairness.metrics import collect_scores
from tests.fairness.audit.tables import PARAMETERS, people, scored
from tests.fairness.published import scores_of

PEOPLE = people()
AGES = generator(0, "ages").normal(60, 8, len(PEOPLE))
SUBJECTS = PEOPLE.reset_index().rename(columns={"race": "protected_group"}).assign(age=AGES)
STUDY = AttributeParameters(protected_attribute="race", audit_attributes=("sex", "race"), covariates=("age",))
HEARTS = dict(zip(PEOPLE.index, generator(0, "hearts").normal(100, 15, len(PEOPLE)), strict=True))

SPREAD = generator(0, "cells").normal(0, 20, (len(PEOPLE), 6))
ABOUT_THE_MEAN = SPREAD - SPREAD.mean(axis=1, keepdims=True)


def strategy(name: str, seed: int, **less: float) -> pd.DataFrame:
    """Dice and drawn volumes of every phase and structure about the subject's means."""
    percent = 100 * scored(PEOPLE, seed, **less)["0"].to_numpy()[:, np.newaxis] + np.linspace(-2, 2, 6)
    dice = scores_of(dict(zip(PEOPLE.index, percent, strict=True)), name)
    volumes = dice["subject_id"].map(HEARTS) + ABOUT_THE_MEAN.ravel()
    return pd.concat([dice, dice.assign(metric="reference_volume", value=volumes)])


SCORES = {"zero": strategy("zero", 1, Black=0.05), "even": strategy("even", 2)}


@pytest.fixture(scope="module")
def found():
    return audit_strategies(SCORES, SUBJECTS, STUDY, PARAMETERS)


def test_the_protected_attribute_comes_first_and_once_then_those_that_are_reported(found):
    assert found.disparity[["attribute", "model"]].to_numpy().tolist() == [
        [attribute, model] for attribute in ("race", "sex", "race x sex") for model in SCORES
    ]
    assert found.baseline == "zero"


def test_the_numbers_are_those_of_anybody_s_table(found):
    dice = pd.concat(SCORES.values()).query("metric == 'dsc'").rename(columns={"strategy": "model"})
    asked = PARAMETERS.model_copy(
        update={"attributes": ("race", "sex"), "covariates": ("age",), "mediators": ("heart",)}
    )
    demographics = PEOPLE.assign(age=AGES, heart=pd.Series(HEARTS)).reset_index()

    of_anybody = audit(dice.drop(columns=["fold", "study_key"]), demographics, asked)

    for name in ("groups", "disparity", "changes", "adjusted"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(of_anybody, name))


def test_covariates_are_the_study_s_and_the_size_of_hearts_is_a_mediator(found):
    assert found.adjusted["adjustment"].unique().tolist() == ["none", "confounders", "confounders and mediators"]
    assert found.adjusted["attribute"].unique().tolist() == ["race", "sex"]


def test_what_the_parameters_ask_of_people_is_the_study_s_to_say(found):
    asked = PARAMETERS.model_copy(update={"attributes": ("hair",), "covariates": ("wealth",), "mediators": ("luck",)})

    again = audit_strategies(SCORES, SUBJECTS, STUDY, asked)

    pd.testing.assert_frame_equal(again.adjusted, found.adjusted)


def test_a_difference_that_hearts_make_is_gone_when_they_are_held_equal():
    sizes = {subject: size - 60 * (PEOPLE.loc[subject, "race"] == "Black") for subject, size in HEARTS.items()}
    small = {"zero": strategy("zero", 1)}
    dice = small["zero"]["metric"] == "dsc"
    hearts = small["zero"]["subject_id"].map(sizes)
    small["zero"]["value"] = np.where(dice, small["zero"]["value"] + 0.001 * (hearts - 100), hearts)

    adjusted = audit_strategies(small, SUBJECTS, STUDY, PARAMETERS).adjusted.query("group == 'Black'")

    left = adjusted.set_index("adjustment")
    # 60 mL less cost 6 points; adjusted for age alone they still do
    assert left.loc["none", "difference"] == pytest.approx(-6, abs=2)
    assert left.loc["confounders", "difference"] == pytest.approx(-6, abs=2)
    assert left.loc["confounders and mediators", "low"] < 0 < left.loc["confounders and mediators", "high"]


def test_without_volumes_hearts_are_not_held_equal():
    dice = {name: table[table["metric"] == "dsc"] for name, table in SCORES.items()}

    adjusted = audit_strategies(dice, SUBJECTS, STUDY, PARAMETERS).adjusted

    assert adjusted["adjustment"].unique().tolist() == ["none", "confounders"]


def test_a_strategy_that_did_not_run_changes_nothing(found):
    with_another = audit_strategies({"unrun": collect_scores([]), **SCORES}, SUBJECTS, STUDY, PARAMETERS)

    pd.testing.assert_frame_equal(with_another.groups, found.groups)
    assert with_another.baseline == "zero"


def test_a_protected_attribute_that_is_also_a_covariate_is_not_adjusted_for_itself(found):
    subjects = SUBJECTS.assign(race=SUBJECTS["protected_group"])
    study = STUDY.model_copy(update={"covariates": ("age", "race")})

    adjusted = audit_strategies(SCORES, subjects, study, PARAMETERS).adjusted

    by_race = (table[table["attribute"] == "race"] for table in (adjusted, found.adjusted))
    pd.testing.assert_frame_equal(*by_race)


def test_names_no_subject_and_shows_no_size_of_a_heart(found):
    for table in (found.groups, found.disparity, found.changes, found.adjusted):
        assert not table.isin([*PEOPLE.index, *HEARTS.values()]).any(axis=None)
        assert HEART_SIZE not in table


@pytest.mark.parametrize(
    ("scores", "subjects", "error", "said"),
    [
        ({"zero": collect_scores([])}, SUBJECTS, InvalidScoresError, "no strategy has scores"),
        (SCORES, SUBJECTS.iloc[2:], InvalidCohortError, "2 not in the subject index"),
        (
            {**SCORES, "even": SCORES["even"].assign(study_key="cohort:1 splits:2 training:9")},
            SUBJECTS,
            StudyMismatchError,
            "zero and even: scored under different training",
        ),
    ],
    ids=["nothing ran", "unknown subjects", "two studies"],
)
def test_what_is_no_study_is_refused_and_names_nobody(scores, subjects, error, said):
    with pytest.raises(error, match=said) as raised:
        audit_strategies(scores, subjects, STUDY, PARAMETERS)

    assert not any(subject in str(raised.value) for subject in PEOPLE.index)


@pytest.mark.parametrize("audited", [True, False])
@pytest.mark.parametrize("name", ["race", PROTECTED_GROUP, "split", "Race & more"])
def test_the_protected_attribute_may_have_any_name_and_be_named_among_the_audited_ones(found, name, audited):
    study = STUDY.model_copy(
        update={"protected_attribute": name, "audit_attributes": ("sex", *([name] if audited else []))}
    )
    subjects = SUBJECTS.assign(**{name: SUBJECTS[PROTECTED_GROUP]}) if audited else SUBJECTS

    renamed = audit_strategies(SCORES, subjects, study, PARAMETERS).groups

    expected = found.groups[found.groups["attribute"] == "race"].assign(attribute=name)
    pd.testing.assert_frame_equal(renamed[renamed["attribute"] == name], expected)
