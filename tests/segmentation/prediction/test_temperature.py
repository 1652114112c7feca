"""Fitted temperature and offsets agree with those of simulated pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.optimize import approx_fprime

from faircmr.segmentation.prediction.calibration import _NegativeLogLikelihood, fit_adjustment, mean_nll, softmax

CLASSES = 4


def drawn(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A label of each pixel, by its probabilities."""
    below = probabilities.cumsum(axis=1) < rng.random((len(probabilities), 1))
    return np.minimum(below.sum(axis=1), probabilities.shape[1] - 1)


def simulated(temperature: float, offsets: tuple[float, ...], pixels: int = 40_000, seed: int = 0):
    """Log-probabilities that need this temperature and these offsets, and labels."""
    rng = np.random.default_rng(seed)
    log_probabilities = np.log(softmax(rng.normal(0.0, 3.0, (pixels, CLASSES))))
    return log_probabilities, drawn(softmax(log_probabilities / temperature + np.array(offsets)), rng)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("offsets", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.8, -0.6, 0.3)])
def test_recovers_the_temperature_and_offsets_that_labels_were_drawn_with(temperature, offsets):
    found, found_offsets, before, after = fit_adjustment(*simulated(temperature, offsets))

    assert found == pytest.approx(temperature, rel=0.03)
    assert found_offsets == pytest.approx(offsets, abs=0.08)
    assert after <= before


def test_has_next_to_nothing_to_gain_where_probabilities_are_right_already():
    _, _, before, after = fit_adjustment(*simulated(1.0, (0.0,) * CLASSES))

    assert 0.0 <= before - after < 1e-3


some_pixels = st.integers(1, 30).flatmap(
    lambda pixels: st.tuples(
        npst.arrays(np.float64, (pixels, CLASSES), elements=st.floats(-16.0, 16.0)),
        npst.arrays(np.int64, pixels, elements=st.integers(0, CLASSES - 1)),
        npst.arrays(np.float64, pixels, elements=st.floats(0.1, 10.0)),
    )
)


@given(some_pixels)
def test_is_never_less_likely_than_no_adjustment_and_stays_in_its_bounds(pixels):
    scores, labels, weights = pixels
    log_probabilities = np.log(np.maximum(softmax(scores), 1e-7))

    temperature, offsets, before, after = fit_adjustment(log_probabilities, labels, weights)

    assert after <= before
    assert 0.2 <= temperature <= 5.0
    assert offsets[0] == 0.0
    assert max(map(abs, offsets)) <= 5.0
    corrected = np.log(softmax(log_probabilities / temperature + np.array(offsets)))
    assert mean_nll(corrected, labels, weights) == pytest.approx(after, abs=1e-9)


@given(some_pixels, npst.arrays(np.float64, CLASSES, elements=st.floats(0.2, 3.0)))
def test_gradient_is_that_of_the_likelihood(pixels, parameters):
    scores, labels, weights = pixels
    objective = _NegativeLogLikelihood(np.log(np.maximum(softmax(scores), 1e-7)), labels, weights)

    numeric = approx_fprime(parameters, lambda at: objective(at)[0], 1e-7)

    np.testing.assert_allclose(objective(parameters)[1], numeric, atol=1e-4)


def test_pixels_count_by_their_weights():
    log_probabilities, labels = simulated(1.7, (0.0, 0.5, 0.0, -0.5), pixels=500)
    weights = np.random.default_rng(1).integers(1, 4, len(labels))

    weighted = fit_adjustment(log_probabilities, labels, weights.astype(float))
    repeated = fit_adjustment(np.repeat(log_probabilities, weights, axis=0), np.repeat(labels, weights))

    assert weighted[0] == pytest.approx(repeated[0], abs=1e-4)
    assert weighted[1] == pytest.approx(repeated[1], abs=1e-4)
    assert weighted[2:] == pytest.approx(repeated[2:], abs=1e-9)


def test_a_class_that_no_label_shows_is_not_taken_away():
    log_probabilities, labels = simulated(1.0, (0.0,) * CLASSES, pixels=2000)

    _, offsets, _, _ = fit_adjustment(log_probabilities, np.where(labels == 2, 0, labels))

    assert offsets[2] == 0.0


def test_likelihood_of_labels_is_the_mean_over_pixels():
    probabilities = np.array([[0.5, 0.5], [0.9, 0.1]])

    assert mean_nll(np.log(probabilities), np.array([0, 1])) == pytest.approx(-(np.log(0.5) + np.log(0.1)) / 2)
    assert mean_nll(np.log([[1.0 - 1e-16, 1e-7]]), np.array([0])) == pytest.approx(0.0, abs=1e-6)
