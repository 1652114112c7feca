"""PNG files by hand, read back by a library that is not ours."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays
from PIL import Image

from faircmr.core.scans import Structure
from faircmr.datasets.previews import COLOURS, SCALE, coloured, grey, mid_slice, png


@given(arrays(np.uint8, (5, 7, 3)))
def test_a_reader_of_png_finds_every_pixel_enlarged(pixels):
    found = np.asarray(Image.open(BytesIO(png(pixels))))

    assert found.shape == (5 * SCALE, 7 * SCALE, 3)
    np.testing.assert_array_equal(found[::SCALE, ::SCALE], pixels)
    np.testing.assert_array_equal(found[SCALE - 1 :: SCALE, SCALE - 1 :: SCALE], pixels)


def test_intensities_run_from_black_to_white():
    shades = grey(np.linspace(-50.0, 150.0, 201).reshape(3, 67))

    assert shades.shape == (3, 67, 3)
    assert (shades[0, 0] == 0).all()
    assert (shades[-1, -1] == 255).all()
    assert shades[1, 33, 0] == pytest.approx(127, abs=1)


def test_an_image_without_contrast_is_no_error():
    assert grey(np.full((4, 4), 7.0)).shape == (4, 4, 3)


def test_every_structure_has_a_colour_of_its_own_and_background_is_black():
    shown = coloured(np.array([[0, *Structure]], np.uint8))[0]

    assert tuple(shown[0]) == (0, 0, 0)
    assert [tuple(colour) for colour in shown[1:]] == [COLOURS[structure] for structure in Structure]


def test_the_middle_slice_is_the_middle_one():
    volume = np.arange(9)[:, None, None] * np.ones((9, 2, 2))

    assert (mid_slice(volume) == 4).all()
