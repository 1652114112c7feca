"""Boxes contain the heart, stay inside the image, and are rejected if they cannot be a heart."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core.scans import Structure
from faircmr.segmentation.localiser import Box, enclosing_box, roi
from faircmr.segmentation.localiser.roi import (
    RoiLimits,
    enlarge_box,
    heart_box,
    intersection_over_union,
    rejection_reason,
    scale_box,
)

LIMITS = RoiLimits(smallest_extent=30.0, largest_offset=0.3)


def box(rows=(10, 20), columns=(12, 24)):
    return Box(row_start=rows[0], row_stop=rows[1], column_start=columns[0], column_stop=columns[1])


def mask(*boxes, shape=(3, 40, 40)):
    heart = np.zeros(shape, dtype=bool)
    for number, one in enumerate(boxes):
        heart[number % shape[0], *one.slices] = True
    return heart


def test_a_box_without_pixels_is_refused():
    with pytest.raises(ValueError, match="each stop must exceed its start"):
        box(rows=(5, 5))


def test_holds_every_slice_of_the_heart():
    assert heart_box(mask(box((10, 20), (12, 24)), box((8, 15), (14, 20)))) == box((8, 20), (12, 24))


def test_leaves_out_what_is_not_connected_to_the_heart():
    assert heart_box(mask(box(), box((35, 37), (1, 3)))) == box()


def test_nothing_found_has_no_box():
    assert heart_box(mask()) is None
    assert rejection_reason(None, (40, 40), (5.0, 5.0), LIMITS) == roi.NOTHING_FOUND


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (box((15, 25), (15, 25)), ""),
        (box((15, 25), (15, 20)), roi.TOO_SMALL),
        (box((0, 25), (15, 25)), roi.CUT_OFF),
        (box((15, 25), (30, 40)), roi.CUT_OFF),
        (box((1, 9), (15, 25)), roi.OFF_CENTRE),
    ],
)
def test_a_region_that_cannot_be_the_hearts_is_named(found, reason):
    assert rejection_reason(found, (40, 40), (5.0, 5.0), LIMITS) == reason


def test_one_cavity_alone_may_be_smaller_than_a_heart():
    small = box((15, 25), (15, 20))

    assert rejection_reason(small, (40, 40), (5.0, 5.0), LIMITS, (Structure.LVBP,)) == ""
    assert rejection_reason(box((15, 25), (15, 17)), (40, 40), (5.0, 5.0), LIMITS, (Structure.LVBP,)) == roi.TOO_SMALL
    assert rejection_reason(small, (40, 40), (5.0, 5.0), LIMITS, (Structure.LVBP, Structure.LVM)) == roi.TOO_SMALL


def test_joined_regions_hold_both_phases():
    assert enclosing_box([box((3, 9), (20, 30)), box((5, 12), (18, 22))]) == box((3, 12), (18, 30))


sides = st.integers(4, 60)


@given(st.data(), sides, sides, st.integers(1, 4), st.integers(0, 20), st.integers(1, 300))
def test_enlarged_regions_keep_the_heart_and_the_image(data, rows, columns, factor, margin, smallest):
    coarse = Box.whole((1, 1))
    spans = []
    for size in (rows, columns):
        start = data.draw(st.integers(0, size - 1))
        spans.append((start, data.draw(st.integers(start + 1, size))))
    coarse = box(*spans)
    shape = (rows * factor + data.draw(st.integers(0, factor - 1)), columns * factor)

    region = enlarge_box(coarse, factor, (margin, margin), (smallest, smallest), shape)

    for axis, (start, stop) in enumerate(spans):
        first, last = (region.row_start, region.row_stop) if axis == 0 else (region.column_start, region.column_stop)
        assert 0 <= first <= start * factor
        assert stop * factor <= last <= shape[axis]
        assert region.shape[axis] >= min(smallest, shape[axis])


def test_a_region_at_the_edge_is_shifted_and_not_cut():
    assert enlarge_box(box((0, 4), (30, 40)), 1, (2, 2), (10, 10), (40, 40)) == box((0, 10), (26, 40))


def test_overlap_is_shared_pixels_over_those_of_either():
    assert intersection_over_union(box((0, 4), (0, 4)), box((2, 6), (0, 4))) == pytest.approx(8 / 24)
    assert intersection_over_union(box((0, 4), (0, 4)), box((4, 6), (0, 4))) == 0.0
    assert intersection_over_union(box(), box()) == 1.0


def test_a_coarse_region_holds_whole_pixels_of_the_fine_grid():
    assert scale_box(box((1, 3), (2, 5)), 3) == box((3, 9), (6, 15))
