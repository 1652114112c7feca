"""Resampling equals SciPy's splines and preserves what it must."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import zoom

from faircmr.segmentation.data import label_on_grid
from faircmr.segmentation.data.preprocessing import (
    CUBIC,
    LINEAR,
    resample,
    resample_image,
    resample_label,
    resampled_shape,
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


@given(sizes, sizes, st.tuples(*[st.integers(0, 30)] * 4))
def test_a_label_is_what_it_would_be_if_the_whole_image_were_computed(
    rows: int, columns: int, corners: tuple[int, ...]
):
    label = np.zeros((2, 31, 31), dtype=np.uint8)
    top, bottom, left, right = *sorted(corners[:2]), *sorted(corners[2:])
    part = np.random.default_rng(rows).choice([0, 1, 3], size=(bottom - top, right - left))
    label[1, top:bottom, left:right] = part

    values = np.unique(label)
    shares = np.stack([resample((label == value).astype(np.float32), (rows, columns), LINEAR) for value in values])

    np.testing.assert_array_equal(resample_label(label, (rows, columns)), values[shares.argmax(axis=0)])


def test_a_label_that_a_coarse_grid_passes_over_is_background():
    label = np.zeros((1, 40, 40), dtype=np.uint8)
    label[0, 0, 0] = 2

    assert not resample_label(label, (3, 3)).any()


@given(sizes, sizes)
def test_a_label_gets_no_value_that_it_did_not_have(rows: int, columns: int):
    label = np.random.default_rng(rows).choice([0, 2, 3], size=(2, 9, 9)).astype(np.uint8)

    assert set(np.unique(resample_label(label, (rows, columns)))) <= {0, 2, 3}


def blob(rows: int, columns: int, seed: int) -> np.ndarray:
    """Probabilities of four classes in two slices, which favour background but for somewhere in the middle."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(4), size=(2, rows, columns)).transpose(3, 0, 1, 2)
    weights[0] += 1.0
    middle = slice(rows // 4, rows // 2 + 1), slice(columns // 3, columns // 2 + 1)
    weights[1 + seed % 3, :, *middle] += rng.uniform(0, 3, size=weights[0, :, *middle].shape)
    return (weights / weights.sum(axis=0)).astype(np.float32)


@given(sizes, sizes, sizes, sizes, st.integers(0, 20))
def test_the_label_is_the_most_probable_class_of_the_resampled_probabilities(
    rows: int, columns: int, new_rows: int, new_columns: int, seed: int
):
    probabilities = blob(rows, columns, seed)

    label = label_on_grid(probabilities, (new_rows, new_columns))

    everywhere = resample(probabilities, (new_rows, new_columns), LINEAR)
    assert label.dtype == np.uint8
    # of classes that are equal but for rounding, either is right
    chosen = np.take_along_axis(everywhere, label[np.newaxis].astype(np.int64), axis=0)[0]
    np.testing.assert_allclose(chosen, everywhere.max(axis=0), atol=1e-6)
    assert (label == everywhere.argmax(axis=0)).mean() > 0.99


def test_a_scan_that_is_background_everywhere_is_that_on_every_grid():
    probabilities = np.zeros((4, 2, 9, 8), np.float32)
    probabilities[0] = 1.0

    np.testing.assert_array_equal(label_on_grid(probabilities, (14, 5)), np.zeros((2, 14, 5), np.uint8))


def test_shapes_follow_the_spacing():
    assert resampled_shape((216, 256), (1.4, 1.4), (1.5625, 1.5625)) == (194, 229)
    assert resampled_shape((3, 3), (0.1, 1.0), (2.0, 1.0)) == (1, 3), "never nothing"
