"""Regions are written to a table and read back by fold."""

import io

import pandas as pd

from faircmr.segmentation.localiser import Box, roi_table, rois_of, with_rois
from faircmr.segmentation.localiser.roi import HeartLocation, hearts_of

BOX = Box(row_start=1, row_stop=5, column_start=2, column_stop=8)
OTHER = Box(row_start=3, row_stop=6, column_start=0, column_stop=9)


def test_regions_come_back_and_failures_do_not():
    table = roi_table(
        [(None, HeartLocation("sub-0001", BOX, "")), (None, HeartLocation("sub-0002", None, "too small"))]
    )

    assert rois_of(table, None) == {"sub-0001": BOX}
    assert table["reason"].tolist() == ["", "too small"]
    assert table["found"].tolist() == [True, False]


def test_what_was_found_comes_back_beside_the_region():
    table = roi_table([(None, HeartLocation("sub-0001", OTHER, "", BOX))])
    assert (hearts_of(table, None), rois_of(table, None)) == ({"sub-0001": BOX}, {"sub-0001": OTHER})


def test_each_fold_has_its_own():
    table = roi_table([(0, HeartLocation("sub-0001", BOX, "")), (1, HeartLocation("sub-0001", OTHER, ""))])

    assert rois_of(table, 0) == {"sub-0001": BOX}
    assert rois_of(table, 1) == {"sub-0001": OTHER}
    assert rois_of(table, 2) == {}


def test_survives_parquet():
    table = roi_table(
        [(None, HeartLocation("sub-0001", BOX, "")), (None, HeartLocation("sub-0002", None, "too small"))]
    )
    content = io.BytesIO()
    table.to_parquet(content, index=False)

    again = pd.read_parquet(content)

    assert rois_of(again, None) == {"sub-0001": BOX}
    assert rois_of(again, 0) == {}


def test_full_images_are_an_empty_table():
    assert rois_of(roi_table([]), None) == {}


def test_join_splits_by_subject():
    splits = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "split": "train"})
    table = roi_table([(None, HeartLocation("sub-0001", BOX, "")), (None, HeartLocation("sub-0003", OTHER, ""))])

    joined = with_rois(splits, table)

    assert joined["subject_id"].tolist() == ["sub-0001", "sub-0002"]
    assert rois_of(joined, None) == {"sub-0001": BOX}


def test_join_splits_by_fold():
    splits = pd.DataFrame({"subject_id": ["sub-0001", "sub-0001"], "split": "train", "fold": [0, 1]})
    table = roi_table([(1, HeartLocation("sub-0001", BOX, "")), (0, HeartLocation("sub-0001", OTHER, ""))])

    joined = with_rois(splits, table)

    assert (rois_of(joined, 0), rois_of(joined, 1)) == ({"sub-0001": OTHER}, {"sub-0001": BOX})


def test_join_to_full_images_adds_nobody():
    splits = pd.DataFrame({"subject_id": ["sub-0001"], "split": "train", "fold": [0]})
    assert rois_of(with_rois(splits, roi_table([])), 0) == {}
