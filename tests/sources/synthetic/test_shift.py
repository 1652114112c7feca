"""Group shifts: none for A or at strength 0, of the calibrated length otherwise, each in a direction of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.sources.synthetic.anatomy import DIRECTIONS, LENGTHS, Shift, directed_shift, group_shift
from faircmr.sources.synthetic.parameters import GROUPS
from faircmr.sources.synthetic.tissues import MEAN_EPICARDIUM, MEAN_RV_TRABECULATION, MEAN_TRABECULATION

cohort_seeds = st.integers(0, 10**6)


def displacements(shift):
    return np.array([shift.trabeculation, shift.epicardium, shift.rv_trabeculation])


@given(cohort_seeds, st.floats(0.0, 1.5))
def test_group_a_is_never_shifted(cohort_seed, strength):
    assert group_shift(cohort_seed, "A", strength) == Shift()


@given(cohort_seeds, st.sampled_from(GROUPS))
def test_strength_zero_shifts_nobody(cohort_seed, group):
    assert not displacements(group_shift(cohort_seed, group, 0.0)).any()


@given(cohort_seeds)
def test_no_two_groups_of_a_cohort_share_a_direction(cohort_seed):
    directions = {tuple(np.sign(displacements(group_shift(cohort_seed, group, 1.0)))) for group in GROUPS[1:]}

    assert len(directions) == len(GROUPS) - 1


@given(cohort_seeds, st.sampled_from(GROUPS[1:]))
def test_strength_one_has_the_calibrated_length(cohort_seed, group):
    shift = displacements(group_shift(cohort_seed, group, 1.0))
    direction = tuple(int(sign) for sign in np.sign(shift))

    assert np.abs(shift).mean() == pytest.approx(LENGTHS[direction])


@given(cohort_seeds, st.sampled_from(GROUPS[1:]), st.floats(0.1, 1.5))
def test_strength_scales_the_shift(cohort_seed, group, strength):
    full = displacements(group_shift(cohort_seed, group, 1.0))

    np.testing.assert_allclose(displacements(group_shift(cohort_seed, group, strength)), strength * full)


def test_seeds_draw_every_direction_for_every_group():
    seen = {tuple(np.sign(displacements(group_shift(seed, group, 1.0)))) for seed in range(100) for group in "BF"}

    assert seen == set(DIRECTIONS)


def test_no_calibrated_shift_takes_more_than_a_layer_has():
    thickness = np.array([MEAN_TRABECULATION, MEAN_EPICARDIUM, MEAN_RV_TRABECULATION])

    for direction in DIRECTIONS:
        assert (thickness + displacements(directed_shift(direction, (1.0, 1.0, 1.0), 1.0)) > 0).all()
