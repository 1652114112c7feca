"""Every scan that takes part is seen once, in order, and named where it can no longer be used."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidScanError
from faircmr.core.scans import Cohort, Geometry, Phase, Scan, ScanFiles, survey_images
from faircmr.core.scans.images import FEATURES

KEYS = [("sub-0001", Phase.ED), ("sub-0001", Phase.ES), ("sub-0002", Phase.ED)]


def read(files):
    if files.frame == 9:
        raise InvalidScanError("a scan", "file missing", "a whole file")
    image = np.random.default_rng(files.frame).uniform(1.0, 2.0, (3, 30, 30)).astype(np.float32)
    return Scan(image, None, Geometry(image.shape, (8.0, 1.0, 1.0)))


def cohort(frames):
    scans = pd.DataFrame([(who, str(phase)) for who, phase in KEYS], columns=["subject_id", "phase"])
    files = {key: ScanFiles(Path("7234567.nii"), frame=frame) for key, frame in zip(KEYS, frames, strict=True)}
    return Cohort(scans[["subject_id"]].drop_duplicates(), scans, files, read, readers=2)


def test_measures_the_scans_that_take_part_in_their_order():
    everybody = cohort([1, 2, 1])

    quality, descriptors = survey_images(everybody, everybody.scans.iloc[[2, 0]])

    assert quality[["subject_id", "phase"]].to_numpy().tolist() == [["sub-0002", "ED"], ["sub-0001", "ED"]]
    assert quality["slices"].tolist() == [3, 3]
    assert descriptors["digest"].nunique() == 1
    assert list(descriptors.columns) == ["subject_id", "phase", "digest", *FEATURES]


def test_names_a_scan_that_has_gone_by_its_study_key():
    with pytest.raises(InvalidScanError, match="sub-0001 ES: file missing") as error:
        survey_images(cohort([1, 9, 2]), cohort([1, 9, 2]).scans)

    assert "7234567" not in str(error.value)
