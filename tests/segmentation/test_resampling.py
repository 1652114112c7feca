"""Resampling equals SciPy's splines, keeps what it must keep, and comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import zoom

from faircmr.segmentation.resampling import (
    CUBIC,
    LINEAR,
    planned_shape,
    resample,
    resample_image,
    resample_label,
    resample_to_native,
)
from tests.segmentation.phantoms import phantom

sizes = st.integers(5, 40)


@pytest.mark.parametrize("order", [CUBIC, LINEAR])
@given(sizes, sizes, sizes, sizes)
def test_equals_the_zoom_of_each_slice(order: int, rows: int, columns: int, new_rows: int, new_columns: int):
    planes = np.random.default_rng(rows).normal(size=(2, rows, columns)).astype(np.float32)
    factors = (new_rows / rows, new_columns / columns)

    resampled = resample(planes, (new_rows, new_columns), order)

    for plane, expected in zip(resampled, planes, strict=True):
        by_scipy = zoom(expected, factors, order=order, mode="nearest", grid_mode=True)
        np.testing.assert_allclose(plane, by_scipy, atol=2e-5)


def test_leading_axes_are_resampled_alike():
    planes = np.random.default_rng(0).normal(size=(3, 2, 9, 7)).astype(np.float32)

    together = resample(planes, (12, 10), LINEAR)

    np.testing.assert_array_equal(together[2, 1], resample(planes[2, 1][np.newaxis], (12, 10), LINEAR)[0])


@given(sizes, sizes, st.floats(-100, 100))
def test_a_constant_image_stays_constant(rows: int, columns: int, value: float):
    image = np.full((1, 11, 13), value, dtype=np.float32)

    np.testing.assert_allclose(resample_image(image, (rows, columns)), value, rtol=1e-5, atol=1e-5)


def test_a_cubic_image_does_not_overshoot_its_slice():
    image = np.zeros((2, 10, 10), dtype=np.float32)
    image[0, 3:6, 3:6], image[1, 3:6, 3:6] = 1.0, 9.0

    resampled = resample_image(image, (23, 23))

    assert (resampled.min(), resampled[0].max(), resampled[1].max()) == (0.0, 1.0, 9.0)


def test_a_smooth_image_survives_the_way_there_and_back():
    rows, columns = np.mgrid[:32, :32] / 32
    image = (np.sin(3 * rows) + np.cos(4 * columns)).astype(np.float32)[np.newaxis]

    back = resample_image(resample_image(image, (48, 41)), (32, 32))

    np.testing.assert_allclose(back, image, atol=1e-2)


def test_a_label_survives_the_way_there_and_back_but_for_its_rim():
    label = phantom(0, size=40).label

    back = resample_label(resample_label(label, (64, 61)), (40, 40))

    assert (back == label).mean() > 0.99
    assert set(np.unique(back)) == set(np.unique(label))


@given(sizes, sizes)
def test_a_label_gets_no_value_that_it_did_not_have(rows: int, columns: int):
    label = np.random.default_rng(rows).choice([0, 2, 3], size=(2, 9, 9)).astype(np.uint8)

    assert set(np.unique(resample_label(label, (rows, columns)))) <= {0, 2, 3}


def test_probabilities_still_sum_to_one_on_the_native_grid():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), size=(2, 9, 8)).transpose(3, 0, 1, 2)

    native = resample_to_native(probabilities.astype(np.float32), (14, 5))

    assert native.shape == (4, 2, 14, 5)
    np.testing.assert_allclose(native.sum(axis=0), 1, atol=1e-5)


def test_shapes_follow_the_spacing():
    assert planned_shape((216, 256), (1.4, 1.4), (1.5625, 1.5625)) == (194, 229)
    assert planned_shape((3, 3), (0.1, 1.0), (2.0, 1.0)) == (1, 3), "never nothing"
