"""One table of codings and stored types for every reader of label images: masks of both sides, and cohorts."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from faircmr.core import InvalidScanError
from faircmr.core.scans import NoStructure, PairCoding, Phase, Structure
from faircmr.sources import pair_masks, read_scan
from faircmr.sources.acdc import Acdc
from faircmr.sources.base import NoParameters
from faircmr.sources.nnunet import NnunetParameters, NnunetRaw
from tests.sources.volumes import ZOOMS, ramp, write_acdc_subject

LV, WALL, RV = Structure.LVBP, Structure.LVM, Structure.RVBP
USUAL = {1: LV, 2: WALL, 3: RV}
CODINGS = {
    "usual": USUAL,
    "of ACDC": {1: RV, 2: WALL, 3: LV},
    "with gaps": {10: LV, 20: WALL, 30: RV},
    "grey values": {85: LV, 170: WALL, 255: RV},
    "of MM-WHS": {500: LV, 205: WALL, 600: RV},
    "scar apart": {1: LV, 2: WALL, 4: WALL, 3: RV},
    "atria left out": {**USUAL, 4: NoStructure.LEFT_OUT, 5: NoStructure.LEFT_OUT},
}
STORED = (np.uint8, np.int16, np.uint16, np.int32, np.float32, np.float64)
SHAPE = ramp().shape


def image_of(values) -> np.ndarray:
    """An image with each value once, shape (columns, rows, slices)."""
    image = np.zeros(SHAPE)
    image.flat[: len(values)] = values
    return image


def write(path: Path, image: np.ndarray, stored: type) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    volume = nib.Nifti1Image(image.astype(stored), None)
    volume.header.set_zooms(ZOOMS)
    nib.save(volume, path)
    return path


def as_prediction(folder: Path, image, stored, coding):
    for name in ("found", "drawn"):
        write(folder / name / "a.nii.gz", image if name == "found" else np.zeros(SHAPE), stored)
    ((_, pair),) = pair_masks(folder / "found", folder / "drawn").pairs(PairCoding(coding, USUAL))
    return pair.prediction


def as_reference(folder: Path, image, stored, coding):
    for name in ("found", "drawn"):
        write(folder / name / "a.nii.gz", image if name == "drawn" else np.zeros(SHAPE), stored)
    ((_, pair),) = pair_masks(folder / "found", folder / "drawn").pairs(PairCoding(USUAL, coding))
    return pair.reference


def as_nnunet(folder: Path, image, stored, coding):
    """The cohort of a raw data set whose ``dataset.json`` declares the coding."""
    names: dict[Structure | NoStructure, list[int]] = {}
    for value, meaning in coding.items():
        names.setdefault(meaning, []).append(value)
    labels = {"background": 0, **{meaning.name: values for meaning, values in names.items()}}
    described = {"channel_names": {"0": "cine"}, "labels": labels, "file_ending": ".nii.gz"}
    write(folder / "imagesTr/p_ED_0000.nii.gz", ramp(), np.int16)
    write(folder / "labelsTr/p_ED.nii.gz", image, stored)
    (folder / "dataset.json").write_text(json.dumps(described))
    (folder / "demographics.csv").write_text("subject_id,sex\np,F\n")
    left_out = {"LEFT_OUT": "left_out"} if NoStructure.LEFT_OUT in names else {}
    source = NnunetRaw(folder, NnunetParameters(label_names=left_out))
    source.prepare(folder / "own")
    return read_scan(source.scan_files()["p", Phase.ED], source.label_values).label


def as_acdc(folder: Path, image, stored, coding):
    write_acdc_subject(folder / "patient001")
    write(folder / "patient001/patient001_frame01_gt.nii.gz", image, stored)
    source = Acdc(folder, NoParameters())
    source.prepare(folder / "own")
    return read_scan(source.scan_files()["patient001", Phase.ED], source.label_values).label


READERS = (as_prediction, as_reference, as_nnunet)


def translated(image, coding, *, background=()):
    """What the reader must return, voxel by voxel: (slices, rows, columns)."""
    meaning = {0: 0, **{value: int(one) for value, one in coding.items() if one not in background}}
    return np.vectorize(lambda value: meaning.get(int(value), 0), otypes=[np.uint8])(image.T)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("name", "stored"),
    [(name, stored) for name in CODINGS for stored in STORED if max(CODINGS[name]) <= 255 or stored is not np.uint8],
)
def test_every_reader_understands_every_coding_in_every_type(tmp_path, reader, name, stored):
    coding = CODINGS[name]
    image = image_of(list(coding))

    found = reader(tmp_path, image, stored, coding)

    left_out = (NoStructure.LEFT_OUT,) if reader is as_nnunet else ()
    np.testing.assert_array_equal(found, translated(image, coding, background=left_out))


@pytest.mark.parametrize("stored", STORED)
def test_labels_of_acdc_have_a_coding_of_their_own(tmp_path, stored):
    image = image_of([1, 2, 3])

    np.testing.assert_array_equal(as_acdc(tmp_path, image, stored, None), translated(image, CODINGS["of ACDC"]))


@pytest.mark.parametrize("reader", [*READERS, as_acdc])
@pytest.mark.parametrize(
    ("values", "stored"),
    [
        ([4], np.uint8),
        ([4, 5, 6], np.int16),
        ([-1], np.int16),
        ([257], np.int16),
        ([1.5], np.float32),
        ([500], np.uint16),
    ],
)
def test_no_reader_takes_a_value_that_is_not_declared(tmp_path, reader, values, stored):
    with pytest.raises(InvalidScanError) as error:
        reader(tmp_path, image_of([1, 2, 3, *values]), stored, USUAL)

    assert f"holds the values {', '.join(map(str, sorted(values)))}" in str(error.value)
    assert "only 0, 1, 2, 3" in str(error.value)


@pytest.mark.parametrize(
    ("reader", "what"), [(as_prediction, "prediction"), (as_reference, "reference")], ids=["prediction", "reference"]
)
def test_an_undeclared_value_of_a_mask_comes_with_both_ways_out(tmp_path, reader, what):
    with pytest.raises(InvalidScanError) as error:
        reader(tmp_path, image_of([1, 4]), np.uint8, USUAL)

    assert f"the {what} holds the values 4" in error.value.value
    assert "audit_labels.predictions." in error.value.remedy
    assert "audit_labels.left_out=" in error.value.remedy


@pytest.mark.parametrize("stored", STORED)
def test_unannotated_voxels_are_marked_in_references_and_refused_in_cohorts(tmp_path, stored):
    coding = {**USUAL, 4: NoStructure.UNANNOTATED}
    image = image_of([1, 2, 3, 4, 4])

    found = as_reference(tmp_path / "masks", image, stored, coding)

    assert np.count_nonzero(found == NoStructure.UNANNOTATED) == 2
    with pytest.raises(InvalidScanError, match="2 of 120 voxels of the label are not annotated"):
        read_nnunet_with_ignore(tmp_path / "cohort", image, stored)


def read_nnunet_with_ignore(folder, image, stored):
    write(folder / "imagesTr/p_ED_0000.nii.gz", ramp(), np.int16)
    write(folder / "labelsTr/p_ED.nii.gz", image, stored)
    labels = {"background": 0, "LVBP": 1, "LVM": 2, "RVBP": 3, "ignore": 4}
    (folder / "dataset.json").write_text(
        json.dumps({"channel_names": {"0": "cine"}, "labels": labels, "file_ending": ".nii.gz"})
    )
    (folder / "demographics.csv").write_text("subject_id,sex\np,F\n")
    source = NnunetRaw(folder, NnunetParameters())
    source.prepare(folder / "own")
    return read_scan(source.scan_files()["p", Phase.ED], source.label_values)
