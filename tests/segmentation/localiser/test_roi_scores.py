"""Regions are scored against labelled hearts of test subjects only."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core.scans import Phase
from faircmr.segmentation.data import SubjectTensors, image_name, label_name
from faircmr.segmentation.localiser import Box, roi_table, score_rois
from faircmr.segmentation.localiser.roi import HeartLocation
from tests.segmentation.phantoms import plans_of

SPLITS = pd.DataFrame({"subject_id": ["s1", "s2", "s3", "s4"], "split": ["test", "test", "test", "train"]})


class Store:
    """Subjects with one labelled square of 4 x 4 pixels, except s3 without a label."""

    def subject(self, subject_id):
        label = np.zeros((2, 20, 20), dtype=np.uint8)
        label[:, 8:12, 8:12] = 2
        arrays = {image_name(Phase.ED): np.zeros(label.shape, np.float16)}
        return SubjectTensors(
            subject_id, "x", arrays if subject_id == "s3" else {**arrays, label_name(Phase.ED): label}
        )


def box(rows, columns):
    return Box(row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])


def test_share_inside_and_distance_of_the_middles():
    whole = box((0, 20), (0, 20))
    found = [
        HeartLocation("s1", box((10, 20), (8, 12)), "", box((10, 14), (8, 12))),
        HeartLocation("s2", None, "too small"),
    ]
    found += [HeartLocation(one, whole, "", whole) for one in ("s3", "s4")]

    scores = score_rois(roi_table([(None, one) for one in found]), SPLITS, Store(), plans_of()).set_index("subject_id")

    assert list(scores.index) == ["s1", "s2"]
    assert scores.loc["s1", "heart_inside"] == 0.5
    assert scores.loc["s1", "box_overlap"] == pytest.approx(8 / 24)
    # two rows of 4 mm
    assert scores.loc["s1", "centre_error"] == pytest.approx(8.0)
    assert not scores.loc["s2", "located"]
    assert np.isnan(scores.loc["s2", "heart_inside"])


def test_full_images_have_no_scores():
    assert score_rois(roi_table([]), SPLITS, Store(), plans_of()).empty


def test_a_label_of_which_the_grid_has_left_nothing_does_not_count():
    class Empty(Store):
        def subject(self, subject_id):
            subject = super().subject("s1")
            subject.arrays[label_name(Phase.ED)][:] = 0
            return subject

    table = roi_table([(None, HeartLocation("s1", box((0, 20), (0, 20)), "", box((0, 20), (0, 20))))])
    assert score_rois(table, SPLITS, Empty(), plans_of()).empty
