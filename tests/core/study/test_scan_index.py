"""Every scan is read once, and what planning needs of it is in the table."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidScanError
from faircmr.core.scans import Cohort, Phase, Scan, ScanFiles, Structure
from faircmr.core.study import validate_scans
from faircmr.core.study.index import FOREGROUND, index_scans
from faircmr.core.study.schemas import SCAN_TYPES
from tests.segmentation.phantoms import phantom

SUBJECTS = [f"sub-{number:04d}" for number in range(1, 7)]


def cohort_of(scans: dict[tuple[str, Phase], Scan], readers: int = 1) -> Cohort:
    files = {key: ScanFiles(Path(f"{key[0]} {key[1]}")) for key in scans}
    by_path = {files[key].image: scan for key, scan in scans.items()}

    def read(scan: ScanFiles) -> Scan:
        found = by_path[scan.image]
        if not np.isfinite(found.image).all():
            raise InvalidScanError("scan", "the image holds NaN or infinite intensities", "finite intensities")
        return found

    table = pd.DataFrame(
        [(subject, str(phase), scan.label is not None, "f") for (subject, phase), scan in scans.items()],
        columns=["subject_id", "phase", "labelled", "fingerprint"],
    )
    return Cohort(pd.DataFrame({"subject_id": SUBJECTS}), table, files, read, readers)


def phantoms() -> dict[tuple[str, Phase], Scan]:
    keys = [(subject, phase) for subject in SUBJECTS for phase in Phase]
    return {key: phantom(number) for number, key in enumerate(keys)}


def test_is_a_valid_table_of_all_scans_in_order():
    scans = index_scans(cohort_of(phantoms())).scans

    assert list(scans.columns) == list(SCAN_TYPES)
    assert scans["subject_id"].tolist() == [subject for subject in SUBJECTS for _ in Phase]
    assert (scans["slices"].tolist(), scans["spacing_slice"].tolist()) == ([3] * 12, [10.0] * 12)
    pd.testing.assert_frame_equal(validate_scans(scans), scans)


@pytest.mark.parametrize("readers", [2, 5])
def test_is_the_same_for_any_number_of_readers(readers: int):
    several, one = index_scans(cohort_of(phantoms(), readers)), index_scans(cohort_of(phantoms()))

    pd.testing.assert_frame_equal(several.scans, one.scans)


def test_says_what_a_margin_of_zeros_leaves_and_how_bright_the_foreground_is():
    scan = phantom(0)
    image = np.pad(np.where(scan.label > 0, 7.0, scan.image + 1), ((0, 0), (2, 0), (0, 3))).astype(np.float32)
    image[1, 10, 12], label = 9.0, np.pad(scan.label, ((0, 0), (2, 0), (0, 3)))
    assert label[1, 10, 12]
    padded = Scan(image, label, replace(scan.geometry, shape=image.shape))

    row = index_scans(cohort_of({(SUBJECTS[0], Phase.ED): padded})).scans.iloc[0]

    assert (row["slices"], row["rows"], row["columns"]) == (3, 22, 23)
    assert (row["cropped_slices"], row["cropped_rows"], row["cropped_columns"]) == (3, 20, 20)
    inside = image[label > 0]
    assert row["foreground_mean"] == pytest.approx(inside.mean())
    assert row["foreground_sd"] == pytest.approx(inside.std())
    assert row["foreground_median"] == 7.0


def test_says_which_structures_each_label_shows():
    scan = phantoms()[SUBJECTS[0], Phase.ED]
    left = replace(scan, label=np.where(scan.label == Structure.RVBP, 0, scan.label).astype(np.uint8))
    shown = {Phase.ED: left, Phase.ES: replace(scan, label=None)}

    scans = index_scans(cohort_of({(SUBJECTS[0], phase): scan for phase, scan in shown.items()})).scans

    assert validate_scans(scans)["structures"].tolist() == ["LVBP LVM", ""]


def test_knows_no_foreground_of_a_scan_that_nobody_labelled():
    scans = phantoms()
    scans[SUBJECTS[1], Phase.ES] = replace(scans[SUBJECTS[1], Phase.ES], label=None)

    table = validate_scans(index_scans(cohort_of(scans)).scans)

    assert table.index[table[list(FOREGROUND)].isna().all(axis=1)].tolist() == [3]


def test_lists_what_cannot_be_used_apart_in_order():
    scans = phantoms()
    spoilt = ((SUBJECTS[2], Phase.ES), (SUBJECTS[4], Phase.ED))
    for key in spoilt:
        scans[key] = replace(scans[key], image=np.full_like(scans[key].image, np.nan))

    index = index_scans(cohort_of(scans, readers=3))

    assert [*index.problems.itertuples(index=False, name=None)] == [
        (subject, str(phase), "the image holds NaN or infinite intensities; finite intensities")
        for subject, phase in spoilt
    ]
    listed = set(zip(index.scans["subject_id"], index.scans["phase"], strict=True))
    assert listed == {(subject, str(phase)) for subject, phase in scans.keys() - set(spoilt)}


def test_of_nothing_that_can_be_used_has_the_columns_all_the_same():
    spoilt = {key: replace(scan, image=np.full_like(scan.image, np.nan)) for key, scan in phantoms().items()}

    index = index_scans(cohort_of(spoilt))

    assert list(index.scans.columns) == list(SCAN_TYPES)
    assert (len(index.scans), len(index.problems)) == (0, 12)
