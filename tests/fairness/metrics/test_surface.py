"""HD95 and ASSD: shapes whose distances are known, SciPy by another way, and MONAI."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import binary_erosion, distance_transform_edt

from faircmr.core import InvalidScoresError
from faircmr.core.scans import Phase, Structure
from faircmr.datasets import CohortDataset
from faircmr.fairness.metrics import LabelPair
from faircmr.fairness.metrics.scan import surface_distances
from tests.fairness.metrics.volumes import SPACING, block, empty, random_hearts

LVBP = [Structure.LVBP]
labels = arrays(np.uint8, (3, 5, 4), elements=st.integers(0, 3))
spacings = st.tuples(*[st.floats(0.5, 12.0)] * 3)


def of(prediction, reference, spacing=SPACING, structures=LVBP):
    """Rows HD95 and ASSD, one column a structure."""
    distances = surface_distances(LabelPair(prediction, reference, spacing), structures)
    return np.array([distances.hd95, distances.assd])


class TestShapesOfKnownDistance:
    @pytest.mark.parametrize(("axis", "millimetres"), [(0, 8.0), (1, 1.5), (2, 1.25)])
    def test_two_voxels_side_by_side_are_one_spacing_apart(self, axis, millimetres):
        place = np.array([2, 5, 5])
        first, second = empty(), empty()
        first[tuple(place)] = second[tuple(place + np.eye(3, dtype=int)[axis])] = Structure.LVBP

        assert of(first, second) == pytest.approx(np.full((2, 1), millimetres))

    def test_two_voxels_far_apart_are_apart_as_pythagoras_has_it(self):
        first, second = empty(), empty()
        first[0, 0, 0] = second[5, 8, 4] = Structure.LVBP

        assert of(first, second) == pytest.approx(np.full((2, 1), (40**2 + 12**2 + 5**2) ** 0.5))

    def test_two_cubes_one_row_apart(self):
        # 3 x 3 x 3 voxels, all but the middle one on the surface. Shifted by one row of 1.5 mm: 9 voxels of the one
        # surface lie outside of the other, 1.5 mm from it; the 8 around the middle of the face behind them and the
        # voxels of the sides lie on it; the middle of that face is the other cube's middle, 1.25 mm from its surface
        first = block(slice(1, 4), slice(3, 6), slice(3, 6))
        second = block(slice(1, 4), slice(4, 7), slice(3, 6))

        distances = np.zeros(26)
        distances[:9], distances[9] = 1.5, 1.25
        assert of(first, second) == pytest.approx(np.array([[1.5], [distances.mean()]]))

    def test_a_hole_is_a_surface_too(self):
        whole = block(slice(0, 5), slice(2, 7), slice(2, 7))
        hollow = whole.copy()
        hollow[2, 4, 4] = 0
        cubes = (1.0, 1.0, 1.0)

        # the 6 neighbours of the hole are surface, 1 mm from the 98 voxels on the surface of both: rank 0.95 x 103 of
        # 98 zeros and 6 ones lies between the last zero (97) and the first one
        assert of(hollow, whole, cubes) == pytest.approx(np.array([[0.85], [6 / (98 + 98 + 6)]]))

    def test_hd95_is_the_larger_percentile_of_both_directions_and_not_the_percentile_of_both(self):
        row = block(slice(0, 1), slice(0, 1), slice(0, 100), shape=(1, 1, 200))
        spot = block(slice(0, 1), slice(0, 1), slice(0, 1), shape=(1, 1, 200))

        # from the row: 0 .. 99 mm, whose 95th percentile is 94.05; from the spot: 0
        assert of(row, spot, (1.0, 1.0, 1.0)) == pytest.approx(np.array([[94.05], [4950 / 101]]))

    def test_an_image_of_one_slice_is_all_surface(self):
        # in 3-D every voxel touches what is above the only slice
        disc = block(slice(0, 1), slice(2, 9), slice(2, 9), shape=(1, 12, 12))
        ring = disc.copy()
        ring[0, 5, 5] = 0

        assert of(disc, ring, (8.0, 1.0, 1.0))[1] == pytest.approx([1 / (49 + 48)])


class TestMissedAndInvented:
    WORST = ((6 * 8.0) ** 2 + (12 * 1.5) ** 2 + (12 * 1.25) ** 2) ** 0.5

    def test_either_has_the_diagonal_of_the_image(self):
        heart = block(slice(1, 4), slice(3, 6), slice(3, 6))

        assert of(empty(), heart) == pytest.approx(np.full((2, 1), self.WORST))
        assert of(heart, empty()) == pytest.approx(np.full((2, 1), self.WORST))

    def test_the_diagonal_does_not_depend_on_what_else_is_shown(self):
        heart = block(slice(1, 4), slice(3, 6), slice(3, 6))
        only_muscle = block(slice(1, 4), slice(3, 6), slice(3, 6), structure=Structure.LVM)

        assert of(only_muscle, heart) == pytest.approx(np.full((2, 1), self.WORST))

    def test_nothing_that_was_found_is_as_bad(self):
        first, second = empty(), empty()
        first[0, 0, 0] = second[-1, -1, -1] = Structure.LVBP

        assert (of(first, second) < self.WORST).all()

    def test_what_is_in_neither_image_has_no_distance(self):
        assert np.isnan(of(empty(), empty(), structures=list(Structure))).all()


@given(labels, labels, spacings)
def test_are_symmetric_bounded_and_as_large_as_the_spacing_makes_them(first, second, spacing):
    found = of(first, second, spacing, list(Structure))
    doubled = of(first, second, tuple(2 * length for length in spacing), list(Structure))

    assert of(second, first, spacing, list(Structure)) == pytest.approx(found, nan_ok=True)
    assert doubled == pytest.approx(2 * found, nan_ok=True)
    assert not (found > LabelPair(first, second, spacing).diagonal).any()


@given(labels)
def test_are_zero_of_an_image_against_itself(image):
    assert set(of(image, image, structures=list(Structure))[:, np.isin(list(Structure), image)].ravel()) <= {0.0}


@pytest.mark.parametrize("seed", range(20))
def test_are_what_scipy_s_erosion_and_distance_transform_of_the_whole_image_give(seed):
    prediction, reference = random_hearts(seed)

    expected = [by_distance_transform(prediction == s, reference == s) for s in Structure]

    assert of(prediction, reference, structures=list(Structure)) == pytest.approx(np.transpose(expected), rel=1e-12)


def by_distance_transform(predicted, drawn):
    surfaces = [mask & ~binary_erosion(mask) for mask in (predicted, drawn)]
    to_surface = [distance_transform_edt(~surface, sampling=SPACING) for surface in surfaces]
    directed = [to_surface[1][surfaces[0]], to_surface[0][surfaces[1]]]
    return max(np.percentile(one, 95) for one in directed), np.concatenate(directed).mean()


class TestMonai:
    @pytest.mark.parametrize("seed", range(20))
    def test_has_the_same_values_where_both_images_hold_the_structure(self, seed):
        check_against_monai(*random_hearts(seed), SPACING)

    def test_has_the_same_values_on_real_contours(self, acdc_root, tmp_path):
        cohort = CohortDataset("faircmr.sources.acdc.Acdc", str(acdc_root), str(tmp_path / "key.csv")).load()
        for subject_id in sorted(set(cohort.scans["subject_id"]))[:3]:
            scan = cohort.read(subject_id, Phase.ED)
            check_against_monai(np.roll(scan.label, (1, 2, -3), axis=(0, 1, 2)), scan.label, scan.geometry.spacing)

    def test_drops_the_missed_and_the_invented_which_are_scored_here(self):
        heart = block(slice(1, 4), slice(3, 6), slice(3, 6))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that an image is empty
            missed, invented = by_monai(empty(), heart, SPACING), by_monai(heart, empty(), SPACING)

        assert not np.isfinite([missed[:, 0], invented[:, 0]]).any()
        assert np.isfinite([of(empty(), heart), of(heart, empty())]).all()


def check_against_monai(prediction, reference, spacing):
    found = of(prediction, reference, spacing, list(Structure))
    hd95, assd = by_monai(prediction, reference, spacing)

    assert found[1] == pytest.approx(assd, rel=1e-6, abs=1e-6)
    assert found[0] == pytest.approx(hd95_of_monai_s_distances(prediction, reference, spacing), rel=1e-6, abs=1e-6)
    # MONAI places the percentile in single precision, which is some 1e-7 of a rank for each voxel
    assert found[0] == pytest.approx(hd95, rel=1e-5, abs=1e-5)


def by_monai(prediction, reference, spacing):
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

    y_pred, y = one_hot(prediction), one_hot(reference)
    hd95 = compute_hausdorff_distance(y_pred, y, percentile=95, spacing=spacing)
    assd = compute_average_surface_distance(y_pred, y, symmetric=True, spacing=spacing)
    return np.stack([hd95[0], assd[0]])


def hd95_of_monai_s_distances(prediction, reference, spacing):
    from monai.metrics.utils import get_edge_surface_distance

    pairs = list(zip(one_hot(prediction)[0], one_hot(reference)[0], strict=True))[1:]
    distances = [get_edge_surface_distance(*pair, spacing=list(spacing), symmetric=True)[1] for pair in pairs]
    return [max(np.percentile(one.double().numpy(), 95) for one in directed) for directed in distances]


def one_hot(image):
    import torch

    return torch.stack([torch.as_tensor(image == label) for label in (0, *Structure)])[None]


def test_the_grids_are_checked_first():
    with pytest.raises(InvalidScoresError, match="the shape of its reference"):
        of(empty((2, 3, 4)), empty())
