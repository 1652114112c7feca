"""Whatever a source passes over is among its omissions, counted and with a reason; nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from faircmr.core import Omission
from tests.sources.test_reader_names import IDS, READERS

FIRST, SECOND, THIRD = IDS


def write(*names: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("")

    return change


def remove(*names: str) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        for name in names:
            shutil.rmtree(root / name) if (root / name).is_dir() else (root / name).unlink()

    return change


CHANGES = {
    "a frame that is neither phase": (
        "acdc",
        write(f"training/{FIRST}/{FIRST}_frame09.nii.gz"),
        ("frames", 1, 7, "neither ED nor ES"),
    ),
    "a cine next to frames that were split off": (
        "mnms",
        write(*(f"Training/Labeled/{FIRST}/{FIRST}_sa_{phase}.nii.gz" for phase in ("ED", "ES"))),
        ("cines", 1, 3, "files of their own"),
    ),
    "a folder without a short axis": (
        "mnms",
        write(f"Testing/other/{FIRST}_la.nii.gz"),
        ("folders with NIfTI", 1, 4, "no file in them is named"),
    ),
    "a frame that no column of the table names": (
        "nnunet",
        write(f"Dataset042_Heart/imagesTr/{FIRST}_frame07_0000.nii.gz"),
        ("cases", 1, 7, "neither ED nor ES"),
    ),
    "an archive of a later visit": (
        "ukbb_archives",
        write(f"bulk/later/{FIRST}_20209_3_0.zip"),
        ("archives of images", 1, 4, "of a later visit"),
    ),
    "an archive without contours": (
        "ukbb_archives",
        remove(f"bulk/{SECOND[-2:]}/{SECOND}_cvi42.zip"),
        ("archives of images", 1, 3, "no archive of contours"),
    ),
    "contours without images": (
        "ukbb_archives",
        remove(f"bulk/{SECOND[-2:]}/{SECOND}_20209_2_0.zip"),
        ("archives of contours", 1, 3, "no archive of images"),
    ),
    "an archive of a participant with NIfTI": (
        "ukbb_nifti",
        write(f"bulk/{FIRST}_20209_2_0.zip"),
        ("archives of images", 1, 1, "of a participant with NIfTI"),
    ),
    "contours of a participant with NIfTI": (
        "ukbb_nifti",
        write(f"bulk/{FIRST}_cvi42.zip"),
        ("archives of contours", 1, 1, "their participants have NIfTI"),
    ),
    "a reference without a prediction": (
        "masks",
        remove(f"found/{FIRST}_ED.nii.gz"),
        ("references", 1, 6, "no prediction of the same name"),
    ),
    "a prediction without a reference": (
        "masks",
        remove(*(f"drawn/{FIRST}_{phase}.nii.gz" for phase in ("ED", "ES"))),
        ("predictions", 2, 6, "no reference of the same name"),
    ),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_of_a_whole_data_set_nothing_is_left_out(reader, tmp_path: Path):
    reader.write(tmp_path)

    assert [one for one in reader.found(tmp_path)[1] if one.count] == []


@pytest.mark.parametrize(("name", "change", "expected"), CHANGES.values(), ids=CHANGES)
def test_what_is_passed_over_is_counted_with_its_reason(
    name: str, change: Callable[[Path], None], expected: tuple[str, int, int, str], tmp_path: Path
):
    READERS[name].write(tmp_path)
    change(tmp_path)

    omissions = READERS[name].found(tmp_path)[1]

    what, count, total, reason = expected
    (omission,) = omissions
    assert (omission.what, omission.count, omission.total) == (what, count, total)
    assert reason in omission.reason
    assert not any(one in str(omission) for one in IDS)


def test_both_sides_of_masks_are_counted_apart(tmp_path: Path):
    READERS["masks"].write(tmp_path)
    remove(f"found/{FIRST}_ED.nii.gz", f"drawn/{THIRD}_ES.nii.gz")(tmp_path)

    assert READERS["masks"].found(tmp_path)[1] == (
        Omission("references", 1, 5, "no prediction of the same name", outcome="not scored"),
        Omission("predictions", 1, 5, "no reference of the same name", outcome="not scored"),
    )
