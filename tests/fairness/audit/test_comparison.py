"""Models that can share draws stand together, and whoever is left out is counted."""

import re

import numpy as np
import pytest

from faircmr.core import InvalidCohortError, InvalidParameterError
from faircmr.fairness.audit.comparison import Baseline, cohorts_by_subjects, comparisons, zero_spread_notes
from tests.fairness.audit.tables import ID, divided, people, scored

PEOPLE = people()
OURS, THEIRS = scored(PEOPLE, 1), scored(PEOPLE, 2)


def test_models_stand_together_that_scored_the_same_subjects_in_as_many_trainings():
    scores = {
        "ours": OURS,
        "fewer subjects": THEIRS.iloc[1:],
        "theirs": THEIRS,
        "more trainings": scored(PEOPLE, 3, trainings=2),
    }

    found = cohorts_by_subjects(scores, PEOPLE.index)

    assert [one.models for one in found] == [("ours", "theirs"), ("fewer subjects",), ("more trainings",)]
    assert [one.scores.shape for one in found] == [(2, 1, 82), (1, 1, 81), (1, 2, 82)]
    np.testing.assert_array_equal(found[0].scores[1, 0], THEIRS["0"])


def test_scores_are_averaged_over_trainings():
    several = scored(PEOPLE, trainings=3)

    found = cohorts_by_subjects({"ours": several}, PEOPLE.index)[0]

    np.testing.assert_allclose(found.values, [several.mean(axis=1)])


def test_subjects_without_attributes_are_left_out():
    found = cohorts_by_subjects({"ours": OURS}, PEOPLE.index[5:])[0]

    assert found.subjects.tolist() == PEOPLE.index[5:].tolist()
    np.testing.assert_array_equal(found.scores[0, 0], OURS["0"].iloc[5:])


def test_a_model_whose_ids_are_of_nobody_is_refused_and_not_forgotten():
    strange = OURS.set_axis([f"{subject}-a" for subject in OURS.index])

    with pytest.raises(InvalidCohortError, match=r"scores of strange: none of 82 .*compare both ids") as error:
        cohorts_by_subjects({"ours": OURS, "strange": strange}, PEOPLE.index)
    assert not re.search(ID, str(error.value))


def compared(subjects, attributes=("race", "sex"), scores=None, min_group_size=8):
    found = cohorts_by_subjects({"ours": OURS, "theirs": THEIRS} if scores is None else scores, subjects.index)
    return comparisons(found, subjects, attributes, min_group_size)


def test_divides_by_each_attribute_in_the_order_asked_and_then_by_pairs():
    by_attribute, _, notes = compared(PEOPLE, ("sex", "race"), min_group_size=6)

    assert [[one.attribute for one in alike] for alike in by_attribute] == [["sex"], ["race"], ["sex x race"]]
    assert by_attribute[0][0].groups.names == ("f", "m")
    assert by_attribute[1][0].groups.sizes.tolist() == [20, 12, 50]
    assert notes == []


def test_values_are_of_the_compared_subjects_in_the_order_of_their_groups():
    subjects = people({"White": 30, "Few": 5, "Black": 10}).sample(frac=1.0, random_state=1)
    scores = scored(subjects)

    one = compared(subjects, ("race",), {"ours": scores})[0][0][0]

    for place, name in enumerate(one.groups.names):
        inside = one.values[0, one.groups.codes == place]
        assert sorted(inside) == sorted(scores.loc[subjects["race"] == name, "0"])
    assert one.by_seed.shape == (1, 1, 40)


def test_small_groups_are_counted_and_not_compared():
    subjects = people({"White": 30, "Asian": 8, "Black": 7, "Other": 1})

    by_attribute, _, notes = compared(subjects, ("race",), {"ours": scored(subjects)})

    assert by_attribute[0][0].groups.names == ("Asian", "White")
    assert notes == ["ours by race: fewer than 8 subjects in Black (7), Other (1): insufficient evidence."]


def test_who_is_in_no_group_is_not_compared():
    subjects = PEOPLE.assign(race=PEOPLE["race"].where(PEOPLE.index > PEOPLE.index[2], None))

    by_attribute, _, notes = compared(subjects, ("race",))

    assert by_attribute[0][0].values.shape == (2, 79)
    assert notes == []


def test_an_attribute_that_divides_nobody_is_told_and_left_out():
    by_attribute, _, notes = compared(PEOPLE.assign(sex="f"))

    assert [alike[0].attribute for alike in by_attribute] == ["race"]
    assert notes == ["ours, theirs by sex: fewer than two groups are large enough to be compared."]


def test_models_whose_groups_are_all_too_small_stand_apart():
    scores = {"ours": OURS, "few": THEIRS.iloc[15:35]}

    by_attribute, undivided, _ = compared(PEOPLE, ("race",), scores)

    assert [one.cohort.models for one in by_attribute[0]] == [("ours",)]
    assert [(one.cohort.models, one.grouping.name) for one in undivided] == [(("few",), "race")]


def test_an_unknown_attribute_is_refused():
    with pytest.raises(InvalidParameterError, match="age; one of race, sex"):
        compared(PEOPLE, ("age",))


def test_the_baseline_is_the_first_model_or_the_one_named():
    several = scored(PEOPLE, 3, trainings=2)
    found = cohorts_by_subjects({"ours": several, "theirs": THEIRS}, PEOPLE.index)

    first, named = Baseline.of(found, ""), Baseline.of(found, "theirs")

    assert (first.model, named.model) == ("ours", "theirs")
    np.testing.assert_allclose(first.scores, several)
    assert named.scores.index.equals(PEOPLE.index)


def test_an_unknown_baseline_is_refused():
    with pytest.raises(InvalidParameterError, match=r"audit\.baseline: nnunet; one of ours, theirs"):
        Baseline.of(cohorts_by_subjects({"ours": OURS, "theirs": THEIRS}, PEOPLE.index), "nnunet")


def test_says_which_models_did_not_score_the_subjects_of_the_baseline():
    found = cohorts_by_subjects(
        {"base": OURS.iloc[4:], "alike": THEIRS.iloc[4:], "ours": THEIRS.iloc[:-1]}, PEOPLE.index
    )

    (note,) = Baseline.of(found, "base").notes(found)

    assert note.startswith("ours: changes since base are of the 77 subjects whom both scored; 5 were scored by one")
    assert not re.search(ID, note)


def test_groups_that_are_scored_alike_are_named():
    subjects = people()
    flat = scored(subjects)
    flat[subjects["race"] == "Black"] = 0.0

    (compared,) = divided({"ours": flat, "theirs": scored(subjects)}, subjects)

    (note,) = zero_spread_notes(compared)
    assert note.startswith("ours by race: all scores of Black are equal")
