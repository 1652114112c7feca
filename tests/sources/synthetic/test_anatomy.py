"""The parametric heart: healthy volumes, one person at two phases."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.sources.synthetic.anatomy import TruncatedEllipsoid, draw_heart

seeds = st.integers(0, 2**32)


def heart_of(seed, body_size=1.0):
    return draw_heart(np.random.default_rng(seed), body_size)


def test_volume_of_a_half_ellipsoid_is_two_thirds_pi_a_squared_c():
    half = TruncatedEllipsoid(radius=25.0, base=0.0, centre=0.0, depth=80.0)

    assert half.volume == pytest.approx(2 / 3 * math.pi * 25**2 * 80 / 1000)


def test_volume_of_a_truncated_ellipsoid_is_the_sum_of_its_discs():
    ventricle = TruncatedEllipsoid(radius=25.0, base=0.0, centre=16.0, depth=64.0)
    heights = np.linspace(0.0, 80.0, 100_001)
    discs = np.pi * 25.0**2 * (1 - ((heights - 16.0) / 64.0) ** 2)

    assert ventricle.volume == pytest.approx(np.trapezoid(discs, heights) / 1000, rel=1e-6)


@given(seeds)
def test_the_cavity_shrinks_and_ejects_a_healthy_fraction(seed):
    heart = heart_of(seed)

    assert heart.end_systole.cavity.volume < heart.end_diastole.cavity.volume
    assert 0.50 <= heart.ejection_fraction <= 0.70


@given(seeds)
def test_the_muscle_thickens_and_keeps_its_volume_within_six_percent(seed):
    relaxed, contracted = heart_of(seed).end_diastole, heart_of(seed).end_systole

    thickness = [phase.epicardium.radius - phase.cavity.radius for phase in (relaxed, contracted)]
    assert thickness[1] > thickness[0]
    assert contracted.myocardial_volume == pytest.approx(relaxed.myocardial_volume, rel=0.06)


@given(seeds)
def test_the_base_moves_towards_the_apex_and_the_apex_stays(seed):
    relaxed, contracted = heart_of(seed).end_diastole.cavity, heart_of(seed).end_systole.cavity

    assert 8.0 <= contracted.base - relaxed.base <= 15.0
    assert contracted.centre + contracted.depth == pytest.approx(relaxed.centre + relaxed.depth - 1.0)


def test_mean_volumes_are_those_of_healthy_adults():
    # Petersen et al. 2017 (UK Biobank reference ranges): EDV 88 to 218 ml, mass 55 to 141 g, EF 49 to 72 %
    hearts = [heart_of(seed) for seed in range(300)]

    assert 88 < np.mean([heart.end_diastole.cavity.volume for heart in hearts]) < 218
    assert 55 < 1.05 * np.mean([heart.end_diastole.myocardial_volume for heart in hearts]) < 141
    assert np.mean([heart.ejection_fraction for heart in hearts]) == pytest.approx(0.60, abs=0.01)


def test_a_larger_body_has_a_heart_larger_in_proportion():
    small, large = heart_of(7, 0.9).end_diastole.cavity.volume, heart_of(7, 1.1).end_diastole.cavity.volume

    assert large / small == pytest.approx(1.1 / 0.9)
