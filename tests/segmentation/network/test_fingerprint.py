"""Fingerprint of a data set, in one readable file."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError
from faircmr.segmentation.network import Fingerprint, take_fingerprint
from tests.segmentation.grids import scans_of

SMALL, LARGE = (8, 128, 120, 10.0, 1.5, 1.4), (10, 256, 256, 8.0, 1.25, 1.25)


def test_grids_are_counted_and_every_scan_can_be_had_again():
    fingerprint = take_fingerprint(scans_of(SMALL, LARGE, LARGE))

    assert [grid.scans for grid in fingerprint.grids] == [2, 1]
    assert fingerprint.shapes.tolist() == [[10, 256, 256], [10, 256, 256], [8, 128, 120]]
    assert fingerprint.spacings[2].tolist() == [10.0, 1.5, 1.4]


def test_shapes_are_those_without_a_margin_of_zeros():
    fingerprint = take_fingerprint(scans_of(SMALL, LARGE).assign(cropped_rows=[64, 128]))

    assert sorted(fingerprint.shapes[:, 1]) == [64, 128]
    assert fingerprint.size_after_cropping == 0.5


def test_intensities_are_medians_over_the_labelled_scans():
    scans = scans_of(SMALL, SMALL, SMALL, SMALL).assign(foreground_mean=[100.0, 300.0, 110.0, np.nan])

    assert take_fingerprint(scans).foreground_intensities.mean == 110.0


def test_without_a_label_nothing_is_known_of_the_foreground():
    assert take_fingerprint(scans_of(SMALL).assign(foreground_mean=np.nan)).foreground_intensities is None


def test_what_a_header_rounds_differently_is_one_grid():
    scans = scans_of(SMALL, SMALL).assign(spacing_row=[1.4, float(np.float32(1.4))])

    assert len(take_fingerprint(scans).grids) == 1


def test_survives_its_file():
    fingerprint = take_fingerprint(scans_of(SMALL, LARGE))

    assert Fingerprint.model_validate_json(fingerprint.model_dump_json()) == fingerprint


def test_of_no_scans_there_is_none():
    with pytest.raises(InvalidCohortError, match="scans: none; at least one scan"):
        take_fingerprint(pd.DataFrame())
