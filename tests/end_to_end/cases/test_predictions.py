"""Folders of scans without labels, as a trained strategy is given them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.end_to_end.cases.inputs import heart, save
from tests.end_to_end.clinic import Clinic

pytestmark = pytest.mark.slow


def long_axis_views(root: Path) -> None:
    """sa.nii.gz, la_2ch.nii.gz and la_4ch.nii.gz of each subject, as ukbb_cardiac leaves them."""
    for number in range(2):
        frames = [heart(9 * number + frame, "ED" if frame == 0 else "ES")[0] for frame in range(4)]
        cine = np.stack(frames, axis=-1).astype(np.int16)
        folder = root / str(7000001 + number)
        save(folder / "sa.nii.gz", cine)
        for view in ("la_2ch", "la_4ch"):
            save(folder / f"{view}.nii.gz", cine[:, :, 2:3])


def frames_with_a_fourth_axis(root: Path) -> None:
    """Single frames of shape (x, y, z, 1)."""
    for number in range(2):
        for phase in ("ED", "ES"):
            save(root / f"{number + 1:04d}_{phase}.nii.gz", heart(number, phase)[0][..., None])


def predicted(clinic: Clinic, make: Callable[[Path], None]) -> tuple[pd.DataFrame, str]:
    """Table of volumes, and what was printed."""
    scans = clinic.folder / "unlabelled"
    make(scans)
    finished = clinic.run("--pipelines", "predict", params={"predict_root": str(scans)})
    printed = " ".join((finished.stdout + finished.stderr).split())
    assert finished.returncode == 0, printed[-3000:]
    return pd.read_csv(clinic.data / "07_model_output" / "predict" / "baseline" / "volumes.csv"), printed


@pytest.fixture
def clinic(clinic_with_finished_study: Clinic, tmp_path: Path) -> Clinic:
    return clinic_with_finished_study.copied_to(tmp_path / "clinic")


def test_short_axis_alone_is_segmented_and_the_rest_is_counted_with_its_reason(clinic: Clinic):
    volumes, printed = predicted(clinic, long_axis_views)

    assert volumes.groupby("subject_id").size().tolist() == [4, 4]
    assert volumes["problem"].isna().all()
    assert re.search(r"\b4( of 6)? \w+ (are )?left out\b[^.]*long[- ]axis", printed), printed[-3000:]


def test_a_fourth_axis_of_one_is_a_frame(clinic: Clinic):
    volumes, _ = predicted(clinic, frames_with_a_fourth_axis)

    assert volumes["phase"].tolist() == ["ED", "ES"] * 2
    assert volumes["problem"].isna().all()
