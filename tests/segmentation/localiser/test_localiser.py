"""A trained localiser finds hearts; without a valid region the full image is used."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidModelError
from faircmr.core.scans import Phase
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import SubjectTensors, TensorStore, image_name
from faircmr.segmentation.localiser import (
    Box,
    HeartFinder,
    LocaliserParameters,
    load_heart_finder,
    locate_hearts,
    rois_of,
)
from faircmr.segmentation.localiser.localiser import DIFFERENT_SIZES, _warn_whole_images
from faircmr.segmentation.localiser.roi import RoiLimits
from faircmr.segmentation.network import build_network, save_network
from faircmr.segmentation.training import WEIGHTS_NAME, TrainedModels
from tests.segmentation.finished_fits import finished_fit
from tests.segmentation.phantoms import plans_of

PLANS = plans_of(patch=(16, 16))
LOCALISER = LocaliserParameters(spacing=8.0, margin=4.0, limits=RoiLimits(smallest_extent=10.0, largest_offset=0.45))


class Bright:
    """Says "heart" where the image is bright, at half the resolution of the tensors."""

    def __init__(self, spacing=8.0):
        self.plans = PLANS.model_copy(update={"spacing": (spacing, spacing)})

    def predict(self, image):
        heart = np.asarray(image, dtype=np.float32) > 0.5
        return np.stack([~heart, heart]).astype(np.float32)


def subject(*squares, shapes=((2, 40, 40), (2, 40, 40))):
    arrays = {}
    for phase, (rows, columns), shape in zip(Phase, squares, shapes, strict=True):
        image = np.zeros(shape, dtype=np.float16)
        image[:, rows[0] : rows[1], columns[0] : columns[1]] = 1.0
        arrays[image_name(phase)] = image
    return SubjectTensors("sub-0001", "x", arrays)


def finder():
    return HeartFinder(Bright(), PLANS, LOCALISER)


def test_the_region_holds_the_heart_at_both_phases_with_a_margin():
    located = finder().locate(subject(((10, 30), (12, 20)), ((14, 26), (8, 18))))

    # rows 10..30 and columns 8..20, 1 pixel of 4 mm around, grown to the patch of 16
    assert located.box == Box(row_start=9, row_stop=31, column_start=6, column_stop=22)
    assert located.reason == ""
    assert located.heart == Box(row_start=10, row_stop=30, column_start=8, column_stop=20)


def test_a_localiser_of_another_grid_is_refused():
    with pytest.raises(InvalidModelError, match=r"\(6\.0, 6\.0\) mm is not an integer multiple of \(4\.0, 4\.0\)"):
        HeartFinder(Bright(spacing=6.0), PLANS, LOCALISER)


@pytest.mark.parametrize(
    ("second", "reason"),
    [(((20, 20), (20, 20)), "nothing found"), (((0, 20), (10, 20)), "cut off by the edge of the image")],
)
def test_one_phase_that_fails_is_enough_to_use_the_full_image(second, reason):
    located = finder().locate(subject(((10, 30), (12, 20)), second))
    assert (located.box, located.reason) == (None, reason)


def test_phases_of_different_size_share_no_region():
    square = ((10, 30), (12, 20))
    located = finder().locate(subject(square, square, shapes=((2, 40, 40), (2, 44, 40))))
    assert (located.box, located.reason) == (None, DIFFERENT_SIZES)


def test_a_subject_with_one_phase_has_a_region():
    both = subject(((10, 30), (12, 20)), ((10, 30), (12, 20)))
    one = SubjectTensors("sub-0001", "x", {image_name(Phase.ES): both.arrays[image_name(Phase.ES)]})
    assert finder().locate(one).box is not None


def test_a_region_that_changes_nothing_is_said(caplog):
    square = ((6, 14), (6, 14))
    located = finder().locate(subject(square, square, shapes=((2, 16, 16), (2, 16, 16))))

    with caplog.at_level(logging.WARNING):
        _warn_whole_images([located, finder().locate(subject(((10, 30), (12, 20)), ((14, 26), (8, 18))))])

    assert located.whole
    assert "whole image for 1 of 2 subjects" in caplog.text


def blind_localiser(folder: Path) -> TrainedModels:
    """A finished fit whose network sees background everywhere."""
    coarse = plans_of(patch=(16, 16)).model_copy(update={"spacing": (8.0, 8.0)})
    record = finished_fit(folder, seed=0, plans=coarse)
    network = build_network(coarse, 0)
    network.heads[0].bias.data[0] = 1e4
    save_network(folder / record.name / WEIGHTS_NAME, network, coarse)
    return TrainedModels(folder=folder, fits=(record,))


def test_another_training_in_the_localisers_folder_is_refused(tmp_path, tensors):
    models = blind_localiser(tmp_path)
    other = models.fits[0].model_copy(update={"fingerprint": "another by code"})

    with pytest.raises(InvalidModelError, match="training is"):
        load_heart_finder(models, other, PLANS, LOCALISER, InferenceParameters(threads=1))


def test_failures_are_counted_and_nobody_is_named(tmp_path, tensors, caplog):
    models, everybody = blind_localiser(tmp_path), ("sub-0001", "sub-0002")

    with caplog.at_level(logging.WARNING):
        table = locate_hearts(
            models, TensorStore(tensors), lambda _: everybody, PLANS, LOCALISER, InferenceParameters(threads=1)
        )

    assert rois_of(table, None) == {}
    assert table["reason"].tolist() == ["nothing found"] * 2
    assert "2 of 2 subjects" in caplog.text
    assert "sub-000" not in caplog.text
    assert isinstance(table, pd.DataFrame)
