"""Every caller that lays one image on another does it by the headers: forms of geometry crossed with callers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from faircmr.core import InvalidScanError
from faircmr.core.scans import AS_STORED, UNKNOWN, LabelImage, PairCoding, ScanFiles, Structure
from faircmr.core.study import ReadingParameters
from faircmr.sources import pair_masks, read_scan
from faircmr.sources.cines import read_cine

CODING = {int(one): one for one in Structure}
SHAPE = (9, 8, 5)
# oblique, and sheared a little: a qform cannot hold that, and its writer drops it
AFFINE = np.array([[-1.4, 0.2, 0.5, 40.0], [0.1, -1.4, 1.5, 25.0], [0.3, 0.7, 7.8, -20.0], [0, 0, 0, 1.0]])
ZOOMS = np.linalg.norm(AFFINE[:3, :3], axis=0)
ORIENTATION = "".join(nib.aff2axcodes(AFFINE))


def heart() -> np.ndarray:
    """A label no turn of which is another turn of it."""
    label = np.zeros(SHAPE, np.uint8)
    label[2:5, 3:5, 1:3], label[3, 3:5, 1:3], label[6, 4, 2] = 2, 1, 3
    return label


def stored(
    data: np.ndarray, affine: np.ndarray = AFFINE, *, forms: bool = True, unit: str | None = None
) -> nib.Nifti1Image:
    made = nib.Nifti1Image(data, affine)
    made.header.set_zooms((*np.linalg.norm(affine[:3, :3], axis=0), *[1.0] * (data.ndim - 3)))
    made.set_sform(affine, 1 if forms else 0)
    made.set_qform(affine, 1 if forms else 0)
    if unit is not None:
        made.header.set_xyzt_units(unit)
    return made


def turned(codes: str) -> nib.Nifti1Image:
    image = stored(heart())
    change = nib.orientations.ornt_transform(nib.io_orientation(AFFINE), nib.orientations.axcodes2ornt(codes))
    other = image.as_reoriented(change)
    return stored(np.asarray(other.dataobj), other.affine)


def moved(voxels: tuple[float, float, float]) -> nib.Nifti1Image:
    """The label cut out elsewhere, and a header that says where."""
    affine = AFFINE.copy()
    affine[:3, 3] += AFFINE[:3, :3] @ voxels
    whole = np.rint(voxels).astype(int)
    return stored(np.roll(heart(), -whole, axis=(0, 1, 2)), affine)


def rotated(degrees: float) -> nib.Nifti1Image:
    turn = np.deg2rad(degrees)
    about = np.eye(4)
    about[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return stored(heart(), about @ AFFINE)


def in_unit(unit: str, factor: float) -> nib.Nifti1Image:
    return stored(heart(), np.diag([factor, factor, factor, 1.0]) @ AFFINE, unit=unit)


def of_two_forms() -> nib.Nifti1Image:
    image = stored(heart())
    other = AFFINE.copy()
    other[:3, 3] += AFFINE[:3, 0]
    image.set_qform(other, 1)
    return image


@dataclass(frozen=True)
class Form:
    """One way in which a label differs from its image.

    Attributes:
        label: Makes it.
        grid: How it is said to have been stored; empty where it is refused.
        refused: Stable words of the refusal.
    """

    label: Callable[[], nib.Nifti1Image]
    grid: str = ""
    refused: str = ""


FORMS = {
    "the same": Form(lambda: stored(heart()), AS_STORED),
    "rounded header": Form(lambda: stored(heart(), np.round(AFFINE, 3)), AS_STORED),
    "RAS": Form(lambda: turned("RAS"), "flipped"),
    "LPI": Form(lambda: turned("LPI"), "flipped"),
    "rows and columns swapped": Form(lambda: turned("PLS"), "axes swapped"),
    "slices first": Form(lambda: turned("SPL"), "axes swapped"),
    "slices first, flipped": Form(lambda: turned("IAR"), "axes swapped, flipped"),
    "shifted by two columns": Form(lambda: moved((2, 0, 0)), "shifted"),
    "shifted along all axes": Form(lambda: moved((-1, 1, -1)), "shifted"),
    "no qform and sform": Form(lambda: stored(heart(), forms=False), UNKNOWN),
    "in metres": Form(lambda: in_unit("meter", 1e-3), AS_STORED),
    "in micrometres": Form(lambda: in_unit("micron", 1e3), AS_STORED),
    "shifted by half a pixel": Form(lambda: moved((0.5, 0, 0)), refused="off the grid"),
    "shifted by a quarter of a slice": Form(lambda: moved((0, 0, 0.25)), refused="off the grid"),
    "rotated by 10 degrees": Form(lambda: rotated(10), refused="off the grid"),
    "qform and sform disagree": Form(of_two_forms, refused="qform and sform disagree"),
    "a slice less": Form(lambda: stored(heart()[:, :, :4]), refused="has shape"),
    "a heart outside the image": Form(lambda: moved((-7, 0, 0)), refused="labelled voxels of the .* lie outside"),
}


def as_frame(label: nib.Nifti1Image, frames: int) -> nib.Nifti1Image:
    """A cine whose second frame is the label."""
    data = np.zeros((*label.shape, frames), np.uint8)
    data[..., frames - 1] = np.asarray(label.dataobj)
    made = nib.Nifti1Image(data, label.affine, label.header)
    made.header["pixdim"][:4] = label.header["pixdim"][:4]
    return made


def image_file(folder: Path, frames: int = 0) -> Path:
    rng = np.random.default_rng(0)
    data = rng.integers(0, 200, (*SHAPE, frames) if frames else SHAPE).astype(np.int16)
    nib.save(stored(data), folder / "image.nii.gz")
    return folder / "image.nii.gz"


def label_file(folder: Path, label: nib.Nifti1Image) -> Path:
    nib.save(label, folder / "label.nii.gz")
    return folder / "label.nii.gz"


def by_volume(folder: Path, label: nib.Nifti1Image) -> tuple[LabelImage | None, str]:
    scan = read_scan(ScanFiles(image_file(folder), label_file(folder, label)), CODING)
    return scan.label, scan.label_grid


def by_cine_and_cine(folder: Path, label: nib.Nifti1Image) -> tuple[LabelImage | None, str]:
    scan = read_scan(ScanFiles(image_file(folder, 3), label_file(folder, as_frame(label, 3)), 2), CODING)
    return scan.label, scan.label_grid


def by_cine_and_volume(folder: Path, label: nib.Nifti1Image) -> tuple[LabelImage | None, str]:
    scan = read_scan(ScanFiles(image_file(folder, 3), label_file(folder, label), 2), CODING)
    return scan.label, scan.label_grid


def by_volume_with_a_fourth_axis(folder: Path, label: nib.Nifti1Image) -> tuple[LabelImage | None, str]:
    scan = read_scan(ScanFiles(image_file(folder, 1), label_file(folder, as_frame(label, 1))), CODING)
    return scan.label, scan.label_grid


def by_masks(folder: Path, label: nib.Nifti1Image) -> tuple[LabelImage | None, str]:
    for name, mask in (("found", label), ("drawn", stored(heart()))):
        (folder / name).mkdir()
        nib.save(mask, folder / name / "a.nii.gz")
    ((_, pair),) = pair_masks(folder / "found", folder / "drawn").pairs(PairCoding(CODING, CODING))
    np.testing.assert_array_equal(pair.reference, heart().T)
    return pair.prediction, pair.grid


CALLERS = {
    "a volume and its label": by_volume,
    "frames of two cines": by_cine_and_cine,
    "a frame of a cine and a label": by_cine_and_volume,
    "volumes with a fourth axis of size 1": by_volume_with_a_fourth_axis,
    "two masks": by_masks,
}


def test_the_stack_is_oblique():
    assert ORIENTATION == "LPS"
    assert min(abs(AFFINE[:3, :3]).ravel()) > 0


@pytest.mark.parametrize("caller", CALLERS.values(), ids=list(CALLERS))
@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
def test_a_label_lies_on_its_image_or_is_refused(
    form: Form, caller: Callable[[Path, nib.Nifti1Image], tuple[LabelImage | None, str]], tmp_path: Path
):
    if form.refused:
        with pytest.raises(InvalidScanError, match=form.refused):
            caller(tmp_path, form.label())
        return
    label, grid = caller(tmp_path, form.label())

    assert grid == form.grid
    np.testing.assert_array_equal(label, heart().T)


SPACINGS = {
    "micrometres that say so": (1e3, "micron", True),
    "metres that say so": (1e-3, "meter", True),
    "no unit": (1.0, "unknown", True),
    "micrometres that say millimetres": (1e3, "mm", False),
    "micrometres without a unit": (1e3, "unknown", False),
    "metres that say millimetres": (1e-3, "mm", False),
    "millimetres that say metres": (1.0, "meter", False),
    "millimetres that say micrometres": (1.0, "micron", False),
    "centimetres": (0.1, "mm", False),
}


def read_as_scan(path: Path) -> tuple[float, float, float]:
    return read_scan(ScanFiles(path), {}).geometry.spacing


def read_as_cine(path: Path) -> tuple[float, float, float]:
    return next(read_cine(path))[1].geometry.spacing


def read_as_frame(path: Path) -> tuple[float, float, float]:
    return read_scan(ScanFiles(path, frame=0), {}).geometry.spacing


def read_as_reference(path: Path) -> tuple[float, float, float]:
    for name in ("found", "drawn"):
        (path.parent / name).mkdir()
        (path.parent / name / "a.nii.gz").symlink_to(path)
    ((_, pair),) = pair_masks(path.parent / "found", path.parent / "drawn").pairs(PairCoding(CODING, CODING))
    return pair.spacing


@pytest.mark.parametrize("read", [read_as_scan, read_as_cine, read_as_frame, read_as_reference])
@pytest.mark.parametrize(("factor", "unit", "read_right"), SPACINGS.values(), ids=list(SPACINGS))
def test_lengths_are_in_the_headers_unit_and_plausible(
    read: Callable[[Path], tuple[float, float, float]], factor: float, unit: str, read_right: bool, tmp_path: Path
):
    affine = np.diag([factor, factor, factor, 1.0]) @ AFFINE
    path = tmp_path / "image.nii.gz"
    nib.save(stored(heart(), affine, unit=unit), path)

    if read_right:
        assert read(path) == pytest.approx(ZOOMS[::-1], rel=1e-5)
        return
    with pytest.raises(InvalidScanError, match=r"has a spacing of .* in plane and .* between slices"):
        read(path)


def test_headers_that_are_wrong_can_be_passed_over(tmp_path: Path):
    files = ScanFiles(image_file(tmp_path), label_file(tmp_path, rotated(10)))

    scan = read_scan(files, CODING, ReadingParameters(grids="array"))

    assert scan.label_grid == UNKNOWN
    np.testing.assert_array_equal(scan.label, heart().T)
