"""Everything that was left out of a prediction is a row with its reason, and is counted in the log."""

from __future__ import annotations

import logging
from io import StringIO

import pandas as pd
import pytest

from faircmr.core import InvalidCohortError
from faircmr.core.scans import LEFT_OUT_TYPES, FrameVolumes, LeftOut, SubjectRecord
from faircmr.core.scans.cines import tabulate_left_out
from faircmr.core.study import schema_named

FILES = [
    LeftOut("files", "long axis by its name", "file-0001"),
    LeftOut("files", "a mask", "file-0002"),
    LeftOut("files", "long axis by its name", "file-0003"),
    LeftOut("files", "not called .nii", count=12),
    LeftOut("symbolic links", "they lead nowhere", count=2),
]
USED = SubjectRecord(subject_id="new-0001", frames=(FrameVolumes(frame=0, lvbp_ml=1.0, lvm_ml=2.0, rvbp_ml=3.0),))
DAMAGED = SubjectRecord(subject_id="new-0002", problem="the image file is truncated; a whole file")


def table(left_out=FILES, *records):
    return tabulate_left_out(left_out, {one.subject_id: one for one in records}, files=6)


def test_has_a_row_for_every_file_every_subject_and_every_count(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        left_out = table(FILES, USED, DAMAGED)

    assert left_out.dtypes.astype(str).to_dict() == LEFT_OUT_TYPES
    assert left_out["key"].fillna("").tolist() == ["file-0001", "file-0002", "file-0003", "", "", "new-0002"]
    assert left_out["count"].tolist() == [1, 1, 1, 12, 2, 1]
    assert left_out["reason"].iloc[-1] == DAMAGED.problem
    assert caplog.messages == [
        "2 of 6 files are left out: long axis by its name",
        "1 of 6 files are left out: a mask",
        "12 files are left out: not called .nii",
        "2 symbolic links are left out: they lead nowhere",
    ]


def test_is_empty_where_everything_was_used(caplog: pytest.LogCaptureFixture):
    assert schema_named("left_out").validate(table([], USED)).empty
    assert caplog.messages == []


@pytest.mark.parametrize("left_out", [FILES, FILES[3:], []], ids=["with keys", "counts only", "empty"])
def test_comes_back_from_csv_as_it_was(left_out):
    whole = table(left_out)
    content = StringIO(whole.to_csv(index=False))

    read = schema_named("left_out").validate(pd.read_csv(content, keep_default_na=False, na_values=[""]))

    pd.testing.assert_frame_equal(read, whole, check_dtype=bool(left_out))


@pytest.mark.parametrize(("column", "value"), [("reason", ""), ("what", None), ("count", -1)])
def test_holds_no_impossible_value(column, value):
    whole = table().astype({"count": "int64"})
    whole.loc[0, column] = value

    with pytest.raises(InvalidCohortError, match=f"column '{column}' fails in 1 of 5 rows"):
        schema_named("left_out").validate(whole)
