"""Masks of two folders are matched by name, read on one grid, and named by nobody's id."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from faircmr.core import InvalidCohortError, InvalidScanError, Omission
from faircmr.core.scans import AS_STORED, UNKNOWN, Geometry, PairCoding, Spacing, Structure
from faircmr.core.study import ReadingParameters
from faircmr.sources import pair_masks, write_label

ACDC_VALUES = {1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP}
ACDC = PairCoding(ACDC_VALUES, ACDC_VALUES)
SECRET = "7234567"
SPACING = (10.0, 1.5, 1.5)


def write(folder: Path, name: str, values: Sequence[int] = (0, 1, 2, 3), spacing: Spacing = SPACING) -> None:
    folder.mkdir(exist_ok=True)
    label = np.array(values, dtype=np.uint8).reshape(-1, 2, 2)
    write_label(folder / name, label, Geometry(label.shape, spacing))


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "found", tmp_path / "drawn"


def test_pairs_are_read_in_the_order_of_their_names(folders: tuple[Path, Path]):
    for folder in folders:
        write(folder, "b_ED.nii.gz")
        write(folder, "a_ED.nii", [0, 0, 0, 0])
    write(folders[0], "only_here.nii.gz")
    (folders[1] / ".hidden.nii.gz").touch()
    (folders[1] / "notes.txt").touch()

    pairs = pair_masks(*folders)

    assert pairs.omissions == (Omission("predictions", 1, 3, "no reference of the same name", outcome="not scored"),)
    (name, empty), (_, pair) = pairs.pairs(ACDC)
    assert name == "a_ED"
    assert not empty.prediction.any(), "a model may find nothing"
    assert pair.prediction.ravel().tolist() == [0, 3, 2, 1], "in the project's labels"
    assert (pair.prediction == pair.reference).all()
    assert pair.spacing == pytest.approx(SPACING)


def test_suffixes_may_differ_between_the_folders(folders: tuple[Path, Path]):
    write(folders[0], "a.nii")
    write(folders[1], "a.nii.gz")

    assert list(pair_masks(*folders).readers) == ["a"]


def test_refuses_folders_that_do_not_belong_together(folders: tuple[Path, Path]):
    with pytest.raises(InvalidCohortError, match="audit_predictions: no masks found there"):
        pair_masks(*folders)
    write(folders[0], f"{SECRET}.nii.gz")
    with pytest.raises(InvalidCohortError, match="audit_references: no masks found there"):
        pair_masks(*folders)
    write(folders[1], "other.nii.gz")
    with pytest.raises(InvalidCohortError, match="no name of 1 and 1 files is in both") as error:
        pair_masks(*folders)
    assert SECRET not in str(error.value)
    write(folders[0], f"{SECRET}.nii")
    with pytest.raises(InvalidCohortError, match="1 scans have two files"):
        pair_masks(*folders)


@pytest.mark.parametrize(
    ("values", "spacing", "said"),
    [
        (
            [0, 1, 2, 9],
            SPACING,
            "case 1 of the names .*: the reference holds the values 9; only 0, 1, 2, 3.*; declare in audit_labels",
        ),
        ([0, 1, 2, 3, 0, 0, 0, 0], SPACING, "the reference has shape .*, the prediction"),
        ([0, 1, 2, 3], (10.0, 1.5, 1.6), "the reference has spacing .*, the prediction"),
    ],
)
def test_refuses_masks_that_cannot_be_compared(
    folders: tuple[Path, Path], values: list[int], spacing: Spacing, said: str
):
    write(folders[0], f"{SECRET}.nii.gz")
    write(folders[1], f"{SECRET}.nii.gz", values, spacing)

    with pytest.raises(InvalidScanError, match=said) as error:
        list(pair_masks(*folders).pairs(ACDC))
    assert SECRET not in str(error.value)


def test_refuses_a_damaged_mask(folders: tuple[Path, Path]):
    for folder in folders:
        write(folder, "a.nii.gz")
    content = (folders[0] / "a.nii.gz").read_bytes()
    (folders[0] / "a.nii.gz").write_bytes(content[: len(content) // 2])

    with pytest.raises(InvalidScanError, match="the prediction file is truncated or damaged"):
        list(pair_masks(*folders).pairs(ACDC))


@pytest.mark.parametrize("codes", ["RAS", "LAI", "PIR", "SAR"])
def test_predictions_in_another_orientation_are_put_on_the_references(folders: tuple[Path, Path], codes: str):
    drawn, found = folders[1] / "a.nii.gz", folders[0] / "a.nii.gz"
    for path in (drawn, found):
        path.parent.mkdir(parents=True)
    label = np.zeros((6, 5, 4), np.uint8)
    label[1:4, 2, 1], label[2, 3, 2], label[5, 0, 3] = 1, 2, 3
    image = nib.Nifti1Image(label, np.diag([-1.5, -1.25, 10.0, 1.0]))
    nib.save(image, drawn)
    change = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(codes))
    nib.save(image.as_reoriented(change), found)

    ((_, pair),) = pair_masks(*folders).pairs(ACDC)
    assert (pair.prediction == pair.reference).all()
    assert pair.prediction.any()
    assert pair.grid != AS_STORED
    assert pair.spacing == pytest.approx((10.0, 1.25, 1.5))

    by_place = ReadingParameters(grids="array")
    with pytest.raises(InvalidScanError) if codes in {"PIR", "SAR"} else nullcontext():
        ((_, pair),) = pair_masks(*folders, by_place).pairs(ACDC)
        assert (pair.prediction != pair.reference).any()
        assert pair.grid == UNKNOWN
