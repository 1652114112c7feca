"""Subjects and trainings drawn again, against draws taken one by one and against what must come out."""

import numpy as np
import pytest

from faircmr.core import InvalidScoresError, generator
from faircmr.fairness.inference import Groups, bootstrap_t_over_seeds
from faircmr.fairness.inference.bootstrap import NEW_TRAININGS, THESE_MODELS, bootstrap_t
from faircmr.fairness.inference.resampling import subject_generator

GROUPS = Groups.of(list(np.repeat([*"abc"], [30, 9, 12])))
VALUES = np.random.default_rng(2).uniform(0.7, 0.9, size=(2, 4, 51))


def test_every_draw_is_of_subjects_and_of_trainings():
    result = bootstrap_t_over_seeds(VALUES, GROUPS, draws=15, seed=3)
    counts = generator(3, "trainings").multinomial(4, np.full(4, 0.25), size=15)

    for group, size in enumerate(GROUPS.sizes):
        subjects = subject_generator(3, group).integers(size, size=(15, size))
        own = VALUES[..., GROUPS.codes == group]
        for draw in range(15):
            drawn = np.repeat(own, counts[draw], axis=1)[..., subjects[draw]]
            of_subjects = drawn.mean(axis=1).var(axis=-1, ddof=1) / size
            of_trainings = drawn.mean(axis=2).var(axis=-1, ddof=1) / 4
            found = result.groups.resampled
            np.testing.assert_allclose(found.values[draw, :, group], drawn.mean(axis=(1, 2)))
            np.testing.assert_allclose(
                found.standard_errors[draw, :, group], np.sqrt(of_subjects + of_trainings), rtol=1e-6
            )


def test_trainings_that_all_score_alike_add_nothing():
    alike = np.repeat(VALUES[:, :1], 4, axis=1)

    crossed, plain = bootstrap_t_over_seeds(alike, GROUPS, 400, 1), bootstrap_t(alike[:, 0], GROUPS, 400, 1)

    for of in (lambda result: result.groups.interval(), lambda result: result.mean_of_groups.interval()):
        np.testing.assert_allclose([of(crossed).low, of(crossed).high], [of(plain).low, of(plain).high], rtol=1e-6)


def test_what_a_training_does_to_all_is_not_averaged_away_over_groups():
    shift = np.array([0.00, 0.03, -0.02, 0.01])
    shifted = 0.8 + shift[:, None] + np.zeros(51)

    result = bootstrap_t_over_seeds(shifted, GROUPS, 400, 1)

    expected = shift.std(ddof=1) / 2
    assert result.groups.observed.standard_errors == pytest.approx([expected] * 3)
    assert result.mean_of_groups.observed.standard_errors == pytest.approx(expected)


def test_holds_the_mean_over_trainings_as_often_as_it_says_where_subjects_alone_do_not():
    random = np.random.default_rng(4)
    groups = Groups.of(list(np.repeat([*"ab"], [100, 10])))
    tables = (
        random.normal(0, 1, (500, 1, 110)) + random.normal(0, 0.2, (500, 5, 1)) + random.normal(0, 0.3, (500, 5, 110))
    )

    crossed = bootstrap_t_over_seeds(tables, groups, 600, 1).groups.interval().holds(0.0).mean(axis=0)
    subjects_alone = bootstrap_t(tables.mean(axis=1), groups, 600, 1).groups.interval().holds(0.0).mean(axis=0)

    assert crossed.min() >= 0.93
    assert subjects_alone[0] < 0.9


def test_says_what_it_speaks_of():
    assert bootstrap_t_over_seeds(VALUES[:, :3], GROUPS, 100, 1).scope == NEW_TRAININGS
    few = bootstrap_t_over_seeds(VALUES[:, :2], GROUPS, 100, 1)

    assert few.scope == THESE_MODELS
    np.testing.assert_allclose(few.groups.observed.values, GROUPS.means(VALUES[:, :2].mean(axis=1)))


def test_refuses_scores_without_an_axis_of_trainings():
    with pytest.raises(InvalidScoresError, match="seeds on the axis before the last"):
        bootstrap_t_over_seeds(VALUES[0, 0], GROUPS, 100, 1)
