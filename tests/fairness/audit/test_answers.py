"""Models that share their draws are told what each would be told alone."""

import numpy as np
import pytest

from faircmr.core import InvalidParameterError
from faircmr.fairness.audit.comparison import draw, too_few_draws_notes
from faircmr.fairness.inference import (
    NEW_TRAININGS,
    THESE_MODELS,
    bootstrap_t,
    bootstrap_t_over_seeds,
    equivalence_tests,
    permutation_tests,
)
from tests.fairness.audit.tables import PARAMETERS, answered, divided, people, scored

PEOPLE = people()
SCORES = {"base": scored(PEOPLE, 1, Black=0.05), "ours": scored(PEOPLE, 2), "theirs": scored(PEOPLE, 3, Asian=0.01)}


@pytest.mark.parametrize(("place", "model"), list(enumerate(SCORES)))
def test_are_those_of_the_inference_of_each_model_alone(place, model):
    (all_together,) = answered(SCORES, PEOPLE)
    groups, values = all_together.compared.groups, SCORES[model]["0"].to_numpy()

    drawn = bootstrap_t(values, groups, PARAMETERS.draws, PARAMETERS.seed)
    tests = permutation_tests(values, groups, PARAMETERS.draws, PARAMETERS.seed)
    equivalence = equivalence_tests(values, groups, PARAMETERS.draws, PARAMETERS.seed, PARAMETERS.margin)

    for found, alone in (
        (all_together.region.low, drawn.region(0.95).low),
        (all_together.region.high, drawn.region(0.95).high),
        (all_together.bootstrap.mean_of_groups.interval().low, drawn.mean_of_groups.interval().low),
        (all_together.equivalence.differences, equivalence.differences),
    ):
        np.testing.assert_allclose(found[place], alone, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(all_together.tests.against_rest.p_values[place], tests.against_rest.p_values)
    np.testing.assert_array_equal(all_together.tests.omnibus.p_values[place], tests.omnibus.p_values)
    np.testing.assert_array_equal(all_together.equivalence.p_values[place], equivalence.p_values)


@pytest.mark.parametrize(("trainings", "scope"), [(1, THESE_MODELS), (2, THESE_MODELS), (3, NEW_TRAININGS)])
def test_speak_of_new_trainings_from_three_seeds_on(trainings, scope):
    (found,) = answered({"ours": scored(PEOPLE, trainings=trainings)}, PEOPLE)

    assert found.bootstrap.scope == scope


def test_trainings_that_differ_widen_the_region():
    alike = scored(PEOPLE, trainings=3)
    apart = alike + [-0.03, 0.0, 0.03]

    narrow, wide = (answered({"ours": each}, PEOPLE)[0].region for each in (alike, apart))

    np.testing.assert_allclose(narrow.estimate, wide.estimate)
    assert (wide.high - wide.low > narrow.high - narrow.low).all()


def test_several_trainings_are_drawn_crossed_with_subjects_and_tested_by_their_average():
    several = scored(PEOPLE, trainings=3)
    (found,) = answered({"ours": several}, PEOPLE)
    groups = found.compared.groups

    drawn = bootstrap_t_over_seeds(several.to_numpy().T, groups, PARAMETERS.draws, PARAMETERS.seed)
    tests = permutation_tests(several.mean(axis=1), groups, PARAMETERS.draws, PARAMETERS.seed)

    np.testing.assert_allclose(found.region.low[0], drawn.region(0.95).low)
    np.testing.assert_array_equal(found.tests.against_rest.p_values[0], tests.against_rest.p_values)


def test_the_seed_decides():
    one, again, other = (
        answered(SCORES, PEOPLE, PARAMETERS.model_copy(update={"seed": seed}))[0].region.low for seed in (1, 1, 2)
    )

    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_too_few_draws_for_the_region_are_refused_by_the_name_of_the_parameter():
    (compared,) = divided(SCORES, PEOPLE)

    with pytest.raises(InvalidParameterError, match=r"audit\.draws: 100; at least 120 for 3 groups by race; raise it"):
        draw(compared, PARAMETERS.model_copy(update={"draws": 100}))


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.32])
@pytest.mark.parametrize("groups", [2, 3, 6, 11])
def test_the_least_number_of_draws_is_enough_for_the_region(groups, alpha):
    subjects = people({f"group {number}": 8 for number in range(groups)})
    asked = PARAMETERS.model_copy(update={"alpha": alpha, "draws": int(np.ceil(2 * groups / alpha))})

    (found,) = answered({"ours": scored(subjects)}, subjects, asked)

    assert np.isfinite(found.region.estimate).all()


def test_says_when_no_difference_could_be_found_after_holm():
    together = divided(SCORES, PEOPLE)  # nine tests: 0.05 / 9 needs 360 draws

    few, enough = (
        list(too_few_draws_notes(together, PARAMETERS.model_copy(update={"draws": draws}))) for draws in (359, 360)
    )

    (note,) = few
    assert note.startswith("race: with 359 draws none of 9 tests against the others can reach 0.05 after Holm")
    assert note.endswith("set audit.draws to 360 at least.")
    assert enough == []
