"""The table of volumes has a row for every frame and for every subject that could not be predicted."""

from __future__ import annotations

import logging
from io import StringIO

import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, InvalidScoresError
from faircmr.core.scans import VOLUME_TYPES, FrameVolumes, Phase, SubjectRecord
from faircmr.core.scans.cines import tabulate_volumes
from faircmr.core.study import schema_named


def frame(index, lvbp, phase=None):
    return FrameVolumes(frame=index, phase=phase, lvbp_ml=lvbp, lvm_ml=90.0, rvbp_ml=0.0)


def record(subject_id, *frames, problem=""):
    return SubjectRecord(subject_id=subject_id, frames=frames, problem=problem)


CINE = record("sub-0001", frame(0, 120.0, Phase.ED), frame(1, 80.0), frame(2, 50.0, Phase.ES))
ALONE = record("sub-0002", frame(None, 70.0))
DAMAGED = record("sub-0003", problem="the image file is truncated; a whole file")
BLIND = record("sub-0004", frame(0, 0.0), frame(1, 0.0))


def table(*records):
    return tabulate_volumes({one.subject_id: one for one in records})


def test_has_a_row_for_every_frame():
    volumes = table(CINE, ALONE)

    assert volumes.dtypes.astype(str).to_dict() == VOLUME_TYPES
    assert volumes["subject_id"].tolist() == ["sub-0001"] * 3 + ["sub-0002"]
    assert volumes["frame"].tolist() == [0, 1, 2, pd.NA]
    assert volumes["phase"].isna().tolist() == [False, True, False, True]
    assert volumes["phase"].dropna().tolist() == ["ED", "ES"]
    assert volumes["lvbp_ml"].tolist() == [120.0, 80.0, 50.0, 70.0]
    assert volumes["problem"].isna().all()


def test_says_why_a_subject_is_missing_and_logs_the_count(caplog):
    with caplog.at_level(logging.WARNING):
        volumes = table(CINE, DAMAGED)

    assert volumes["problem"].dropna().tolist() == ["the image file is truncated; a whole file"]
    assert volumes[["frame", "phase", "lvbp_ml"]].iloc[-1].isna().all()
    assert caplog.messages == [
        "sub-0003 is left out: the image file is truncated; a whole file",
        "1 of 2 subjects are left out; 01_raw/predict_key.csv says which files",
    ]


def test_counts_cines_without_ed_and_es(caplog):
    with caplog.at_level(logging.WARNING):
        volumes = table(CINE, ALONE, BLIND)

    (message,) = caplog.messages
    assert message.startswith("1 of 3 subjects have no ED and ES")
    assert message.endswith("sub-0004")
    assert volumes.loc[volumes["subject_id"] == "sub-0004", "phase"].isna().all()


def test_is_refused_where_nobody_could_be_predicted():
    with pytest.raises(InvalidCohortError, match=r"none of 1 subjects can be predicted; sub-0003: .*truncated"):
        table(DAMAGED)


def test_comes_back_from_csv_as_it_was(caplog):
    volumes = table(CINE, ALONE, DAMAGED)
    content = StringIO(volumes.to_csv(index=False))

    read = schema_named("volumes").validate(pd.read_csv(content, keep_default_na=False, na_values=[""]))

    pd.testing.assert_frame_equal(read, volumes)


@pytest.mark.parametrize(("column", "value"), [("lvbp_ml", -1.0), ("phase", "EX"), ("frame", -1), ("subject_id", None)])
def test_holds_no_impossible_value(column, value):
    volumes = table(CINE)
    volumes.loc[1, column] = value

    with pytest.raises(InvalidScoresError, match=f"column '{column}' fails in 1 of 3 rows"):
        schema_named("volumes").validate(volumes)
