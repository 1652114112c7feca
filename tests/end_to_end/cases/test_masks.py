"""Two folders of masks, as other programs leave them: scored as what they show, or refused in one clear line."""

from __future__ import annotations

import gzip
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from tests.end_to_end.cases.inputs import AFFINE, ids, save, save_in_ras, voxels, write_masks, write_people
from tests.end_to_end.cases.place import Done, Place

pytestmark = pytest.mark.slow
SUBJECTS = 24
ZOOMS = (1.5, 1.5, 8.0)


def float_labels_one_ulp_off(root: Path) -> None:
    """Masks as 32-bit floats that went through arithmetic: 1 is 0.99999994, and 3 is 3.0000002."""
    _, found = write_masks(root)
    for path in sorted(found.iterdir()):
        data = voxels(path).astype(np.float32)
        data[data == 1] = np.nextafter(np.float32(1), np.float32(0))
        data[data == 3] = np.nextafter(np.float32(3), np.float32(4))
        save(path, data)


def scaled_labels(root: Path) -> None:
    """Masks that nibabel saved as floats under an integer header: with its slope, 1 is read as 0.9999999998."""
    _, found = write_masks(root)
    for path in sorted(found.iterdir()):
        image = nib.load(path)
        header = image.header.copy()
        header.set_data_dtype(np.int16)
        nib.save(nib.Nifti1Image(voxels(path).astype(np.float64), AFFINE, header), path)


def fourth_axis_of_one(root: Path) -> None:
    """Masks of shape (x, y, z, 1), as ANTs, FSL's fslmerge and np.expand_dims leave them."""
    _, found = write_masks(root)
    for path in sorted(found.iterdir()):
        save(path, voxels(path)[..., None])


def upper_case_suffixes(root: Path) -> None:
    """Masks that end in .NII.GZ."""
    _, found = write_masks(root)
    for path in sorted(found.iterdir()):
        path.rename(path.with_name(path.name.replace(".nii.gz", ".NII.GZ")))


def another_orientation(root: Path) -> None:
    """Perfect predictions, saved in RAS where references are in LPS: arrays and affines are flipped together."""
    _, found = write_masks(root, perfect=True)
    for path in sorted(found.iterdir()):
        save_in_ras(path)


def voxel_types(root: Path) -> None:
    """Perfect predictions in every form of NIfTI: see :data:`FORMS`."""
    _, found = write_masks(root, perfect=True)
    for number, path in enumerate(sorted(found.iterdir())):
        FORMS[number % len(FORMS)](path)


def as_type(name: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        header = nib.Nifti1Header()
        header.set_data_dtype(name)
        nib.save(nib.Nifti1Image(voxels(path).astype(name), AFFINE, header), path)

    return write


def big_endian(path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    nib.save(nib.Nifti1Image(voxels(path).astype(">i2"), AFFINE, header), path)


def second_nifti(path: Path) -> None:
    nib.save(nib.Nifti2Image(voxels(path), AFFINE), path)


def without_forms(path: Path) -> None:
    """Neither qform nor sform: spacing and shape are all that is known."""
    image = nib.Nifti1Image(voxels(path), None)
    image.header.set_zooms(ZOOMS)
    image.header["qform_code"] = image.header["sform_code"] = 0
    nib.save(image, path)


def negative_pixdim(path: Path) -> None:
    raw = bytearray(nib.Nifti1Image(voxels(path), AFFINE).to_bytes())
    raw[80:92] = struct.pack("<3f", -ZOOMS[0], -ZOOMS[1], ZOOMS[2])
    path.write_bytes(gzip.compress(bytes(raw)))


def uncompressed(path: Path) -> None:
    path.with_name(path.name.removesuffix(".gz")).write_bytes(gzip.decompress(path.read_bytes()))
    path.unlink()


def compressed_under_plain_name(path: Path) -> None:
    path.rename(path.with_name(path.name.removesuffix(".gz")))


def slope_of_zero(path: Path) -> None:
    raw = bytearray(gzip.decompress(path.read_bytes()))
    raw[112:120] = struct.pack("<2f", 0, 0)
    path.write_bytes(gzip.compress(bytes(raw)))


FORMS = (
    *(as_type("int64"), as_type("uint64"), as_type("float64")),
    *(big_endian, second_nifti, without_forms, negative_pixdim),
    *(uncompressed, compressed_under_plain_name, slope_of_zero),
)


def names_of_frames(root: Path) -> None:
    """Masks named as nnU-Net's conversion of ACDC does: patient001_frame01.nii.gz and patient001_frame14.nii.gz."""
    for folder in write_masks(root):
        for path in sorted(folder.iterdir()):
            number = int(path.name[:4])
            shutil.copy(path, path.with_name(f"patient{number:03d}_frame14.nii.gz"))
            path.rename(path.with_name(f"patient{number:03d}_frame01.nii.gz"))
    write_people(root / "people.csv", subject_id=[f"patient{number + 1:03d}" for number in range(SUBJECTS)])


def predictions_missing(root: Path) -> None:
    """No prediction for four subjects, and nnU-Net's other files next to the masks."""
    _, found = write_masks(root)
    for path in sorted(found.iterdir())[:4]:
        path.unlink()
    others = ("dataset.json", "plans.json", "predict_from_raw_data_args.json", "0001_ED.npz", "._0009_ED.nii.gz")
    for name in others:
        (found / name).write_bytes(b"{}")


def dice_of(root: Path) -> pd.Series:
    """Mean DSC of each subject in percent, by formula, of the masks as they were before they were changed."""
    drawn, found = write_masks(root)
    pairs = [(voxels(drawn / f"{name}_ED.nii.gz"), voxels(found / f"{name}_ED.nii.gz")) for name in ids(SUBJECTS)]
    overlaps = [
        np.mean([2 * ((a == v) & (b == v)).sum() / ((a == v).sum() + (b == v).sum()) for v in (1, 2, 3)])
        for a, b in pairs
    ]
    return 100 * pd.Series(overlaps, index=ids(SUBJECTS))


def means_by_sex(dice: pd.Series) -> dict[str, float]:
    sex = ["FM"[(int(name) - 1) % 2] for name in dice.index]
    return {str(group): float(mean) for group, mean in dice.groupby(sex).mean().items()}


def scored_by_sex(done: Done) -> dict[str, float]:
    return done.audited("groups").set_index("group")["mean"].to_dict()


@pytest.mark.parametrize(
    "make", [float_labels_one_ulp_off, scaled_labels, fourth_axis_of_one, upper_case_suffixes], ids=lambda m: m.__name__
)
def test_masks_of_every_form_have_the_scores_of_what_they_show(make: Callable[[Path], None], place: Place):
    make(place.inputs)

    done = place.audit_masks()

    assert scored_by_sex(done) == pytest.approx(means_by_sex(dice_of(place.folder / "original")), abs=1e-6)
    assert set(done.audited("groups")["n"]) == {SUBJECTS // 2}


@pytest.mark.parametrize("make", [another_orientation, voxel_types], ids=lambda m: m.__name__)
def test_perfect_predictions_score_100(make: Callable[[Path], None], place: Place):
    make(place.inputs)

    groups = place.audit_masks().audited("groups")

    assert groups["mean"].tolist() == pytest.approx([100.0, 100.0])
    assert groups["n"].tolist() == [SUBJECTS // 2] * 2


def test_names_with_frames_are_answered_by_the_pattern_that_fits(place: Place):
    names_of_frames(place.inputs)

    error = place.audit_masks().error

    assert "audit_columns.case_pattern" in error
    (pattern,) = (found for found in re.findall(r"\S*\(\?P<\S+", error) if "frame" in found)
    fitting = re.fullmatch(pattern.strip("'\"`,;"), "patient001_frame01")
    assert fitting
    assert fitting["subject"] == "patient001"


def test_predictions_that_are_missing_are_counted_on_the_console_and_on_the_page(place: Place):
    predictions_missing(place.inputs)

    done = place.audit_masks()

    assert done.audited("groups")["n"].sum() == SUBJECTS - 4
    counted = re.compile(r"\b4 of 24 references (are )?not scored:? no prediction of the same name")
    assert counted.search(done.printed), done.printed
    assert counted.search(done.page)
