"""Proxies of image quality on images whose noise, slopes and cut-off hearts are known by construction."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core.scans import Geometry, Phase, Scan, Structure
from faircmr.core.scans.images import image_quality
from faircmr.sources import Acdc, NoParameters, read_scan

RNG = np.random.default_rng(0)
LABELLED = ("labelled_slices", "contrast", "at_border", "at_base", "at_apex", "labels_swapped")


def scan(image, label=None, spacing=(8.0, 1.0, 1.0)):
    image = np.asarray(image, dtype=np.float32)
    return Scan(image, None if label is None else np.asarray(label, dtype=np.uint8), Geometry(image.shape, spacing))


def chessboard(square):
    """Squares of 100 and 300, so that the range is 200 whatever its percentiles."""
    rows, columns = np.indices((96, 96)) // square
    return np.where((rows + columns) % 2, 300.0, 100.0)[np.newaxis].repeat(3, axis=0)


@pytest.mark.parametrize("sd", [2.0, 5.0])
def test_noise_is_the_sd_that_was_added_although_there_are_edges(sd):
    noisy = chessboard(24) + RNG.normal(0.0, sd, (3, 96, 96))

    quality = image_quality(scan(noisy))

    spread = np.subtract(*np.percentile(noisy, (99, 1)))
    # edges take a share of the median: a few per cent more than what was added
    assert quality.noise * spread == pytest.approx(sd, rel=0.12)
    assert quality.noise * spread >= 0.97 * sd


def test_an_image_without_noise_has_none():
    assert image_quality(scan(np.indices((2, 64, 64))[2])).noise == pytest.approx(0.0, abs=1e-6)


def test_clipping_does_not_take_the_noise_away():
    noisy = RNG.normal(500.0, 10.0, (3, 64, 64))
    clipped = np.minimum(noisy, np.percentile(noisy, 75))

    noise = [
        image_quality(scan(image)).noise * np.subtract(*np.percentile(image, (99, 1))) for image in (noisy, clipped)
    ]

    assert noise[1] == pytest.approx(noise[0], rel=0.25)


@pytest.mark.parametrize(("width", "spacing"), [(4, 1.0), (8, 1.0), (4, 2.0)])
def test_sharpness_is_one_over_the_width_of_the_borders(width, spacing):
    there = np.linspace(0.0, 1.0, width + 1)
    profile = np.tile(np.concatenate([there[:-1], there[:0:-1]]), 96 // (2 * width))
    image = np.broadcast_to(profile + 3.0, (2, len(profile), len(profile)))

    across = image_quality(scan(image, spacing=(8.0, 5.0, spacing))).sharpness
    down = image_quality(scan(np.swapaxes(image, 1, 2), spacing=(8.0, spacing, 5.0))).sharpness

    assert across == pytest.approx(1.0 / (width * spacing), rel=1e-5)
    assert down == pytest.approx(across)


def test_contrast_is_between_medians_as_share_of_the_range():
    image, label = chessboard(24), np.zeros((3, 96, 96))
    image[1, 40:50, 40:50], label[1, 40:50, 40:50] = 260.0, Structure.LVBP
    image[1, 50:60, 40:50], label[1, 50:60, 40:50] = 160.0, Structure.LVM
    image[1, 40, 40] = 299.0  # one bright voxel moves no median

    assert image_quality(scan(image, label)).contrast == pytest.approx(0.5)


def test_saturated_is_the_share_of_voxels_at_the_top():
    image = RNG.uniform(1.0, 2.0, (1, 50, 40))
    image.ravel()[:500] = 7.0

    assert image_quality(scan(image)).saturated == pytest.approx(0.25)


def heart(slices, first, last, base_first=True):
    """A label from slice ``first`` to ``last``, wide at its base."""
    label = np.zeros((slices, 20, 20))
    widths = np.linspace(8, 2, last - first + 1).astype(int)
    for place, width in zip(range(first, last + 1), widths if base_first else widths[::-1], strict=True):
        label[place, 5 : 5 + width, 5 : 5 + width] = Structure.LVBP
    return label


@pytest.mark.parametrize(
    ("label", "base", "apex"),
    [
        (heart(8, 1, 6), 0.0, 0.0),
        (heart(8, 0, 6), 1.0, 0.0),
        (heart(8, 1, 7), 0.0, 1.0),
        (heart(8, 1, 7, base_first=False), 1.0, 0.0),
        (heart(8, 0, 7), 1.0, 1.0),
    ],
)
def test_says_at_which_end_slices_may_be_missing(label, base, apex):
    quality = image_quality(scan(RNG.uniform(1.0, 2.0, label.shape), label))

    assert (quality.at_base, quality.at_apex, quality.at_border) == (base, apex, 0.0)
    assert quality.labelled_slices == np.any(label, axis=(1, 2)).sum()


@pytest.mark.parametrize(("axis", "side"), [(1, 0), (1, -1), (2, 0), (2, -1)])
def test_says_that_a_heart_is_cut_off_at_a_side(axis, side):
    label = heart(8, 1, 6)
    np.moveaxis(label, axis, 0)[side, 3, 10] = Structure.RVBP

    assert image_quality(scan(RNG.uniform(1.0, 2.0, label.shape), label)).at_border == 1.0


@given(st.floats(0.5, 50.0), st.floats(1.0, 500.0))
def test_does_not_depend_on_scale_and_offset_of_intensities(scale, offset):
    image = chessboard(24) + np.random.default_rng(1).normal(0.0, 3.0, (3, 96, 96))
    before, after = (asdict(image_quality(scan(values, heart_label()))) for values in (image, scale * image + offset))

    assert after == pytest.approx(before, rel=0.01)


def heart_label():
    label = np.zeros((3, 96, 96))
    label[1, 20:40, 20:40], label[1, 40:60, 20:40] = Structure.LVBP, Structure.LVM
    return label


def test_what_cannot_be_told_is_missing():
    image = RNG.uniform(1.0, 2.0, (4, 32, 32))
    without_label = asdict(image_quality(scan(image)))
    label = np.zeros((4, 32, 32))
    label[1:3, 5:9, 5:9] = Structure.LVBP
    without_wall = image_quality(scan(image, label))
    flat = image_quality(scan(np.full((2, 16, 16), 5.0)))

    assert {name for name, value in without_label.items() if np.isnan(value)} == set(LABELLED)
    assert np.isnan(without_wall.contrast)
    assert np.isnan([flat.noise, flat.sharpness]).all()
    assert np.isnan(image_quality(scan(np.zeros((2, 16, 16)))).saturated)


def test_a_margin_of_zeros_changes_nothing():
    image = chessboard(24) + RNG.normal(0.0, 3.0, (3, 96, 96))
    padded = np.pad(image, ((0, 0), (20, 30), (10, 5)))

    assert asdict(image_quality(scan(padded))) == pytest.approx(asdict(image_quality(scan(image))), nan_ok=True)


def test_real_scans_have_dark_walls_little_noise_and_a_whole_heart_in_the_plane(acdc_root):
    acdc = Acdc(acdc_root, NoParameters())

    quality = image_quality(read_scan(acdc.scan_files()["patient001", Phase.ED], acdc.label_values))

    assert 0.1 < quality.contrast < 1.0
    assert 0.0 < quality.noise < 0.05
    # the set is published with intensities clipped at percentile 99
    assert quality.saturated == pytest.approx(0.01, abs=0.003)
    assert quality.at_border == 0.0
    assert quality.slices == 10
