"""The stack in the scanner: spacing, orientation and isocentre."""

import numpy as np
import pytest

from faircmr.sources.synthetic import SyntheticParameters
from faircmr.sources.synthetic.subject import stack_geometry

PARAMETERS = SyntheticParameters(size=96, slices=11, spacing=1.5, slice_spacing=8.0)


@pytest.fixture
def affine():
    return np.array(stack_geometry(PARAMETERS).sform)


def test_spacing_is_what_was_asked_for(affine):
    geometry = stack_geometry(PARAMETERS)

    assert geometry.shape == (11, 96, 96)
    assert geometry.spacing == (8.0, 1.5, 1.5)
    np.testing.assert_allclose(np.linalg.norm(affine[:3, :3], axis=0), [1.5, 1.5, 8.0])


def test_directions_are_perpendicular_and_handed_as_the_header_says(affine):
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)

    np.testing.assert_allclose(directions.T @ directions, np.eye(3), atol=1e-12)
    assert np.sign(np.linalg.det(directions)) == stack_geometry(PARAMETERS).pixdim[0]


def test_slices_run_from_base_to_apex_and_rows_downwards(affine):
    right, anterior, superior = range(3)

    assert affine[right, 2] < 0
    assert affine[anterior, 2] > 0
    assert affine[superior, 2] < 0
    assert affine[superior, 1] < 0


def test_the_middle_of_the_stack_is_the_isocentre(affine):
    middle = [(96 - 1) / 2, (96 - 1) / 2, (11 - 1) / 2, 1.0]

    np.testing.assert_allclose(affine @ middle, [0, 0, 0, 1], atol=1e-9)
