"""Real images of the Sunnybrook cohort, changed as anonymisers, scanners and converters change images."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_dataset
from pydicom.uid import JPEG2000Lossless

from tests.end_to_end.cases.place import Place
from tests.studies import Project

pytestmark = pytest.mark.slow
Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def sunnybrook(project_root: Path) -> Path:
    root = project_root.parent / "shared" / "data" / "sunnybrook"
    if not root.is_dir():
        pytest.skip("Sunnybrook lies elsewhere: expected beside the repository, in shared/data/sunnybrook")
    return root


@pytest.fixture(scope="module")
def unchanged(sunnybrook: Path, cases_project: Project, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The index of the images as they are."""
    place = Place(cases_project, tmp_path_factory.mktemp("sunnybrook"))
    copy_images(sunnybrook, place.inputs)
    done = place.index("sunnybrook").succeeds()
    assert done.quarantined.empty
    return content_of(done.scans)


def content_of(scans: pd.DataFrame) -> pd.DataFrame:
    """The index without fingerprints, which know when a file was written."""
    return scans.drop(columns="fingerprint")


def copy_images(sunnybrook: Path, root: Path, change: Change | None = None) -> None:
    """Copy contours and the images that were contoured, each of which may be changed."""
    root.mkdir(exist_ok=True)
    for name in ("contoured", "contourfiles"):
        shutil.copytree(sunnybrook / name, root / name, copy_function=shutil.copyfile)
    shutil.copyfile(sunnybrook / "link.csv", root / "link.csv")
    for path in sorted((root / "contoured").rglob("*.dcm")) if change else ():
        change(path)


def without_preamble(path: Path) -> None:
    """Neither the first 128 bytes nor DICM nor group 2, as old exports are: implicit VR, little endian."""
    elements = pydicom.Dataset(pydicom.dcmread(path))
    with path.open("wb") as file:
        written = DicomFileLike(file)
        written.is_little_endian, written.is_implicit_VR = True, True
        write_dataset(written, elements)


def without_trigger_time(path: Path) -> None:
    elements = pydicom.dcmread(path)
    if "TriggerTime" in elements:
        del elements.TriggerTime
    elements.save_as(path)


def without_position(path: Path) -> None:
    """An anonymiser has removed ImagePositionPatient; SliceLocation is still there."""
    elements = pydicom.dcmread(path)
    if "ImagePositionPatient" in elements:
        del elements.ImagePositionPatient
    elements.save_as(path)


def with_several_frames(path: Path) -> None:
    """NumberOfFrames is 30, as in enhanced MR."""
    elements = pydicom.dcmread(path)
    elements.NumberOfFrames = 30
    elements.save_as(path)


def compressed(path: Path) -> None:
    """The transfer syntax is JPEG 2000."""
    elements = pydicom.dcmread(path)
    elements.file_meta.TransferSyntaxUID = JPEG2000Lossless
    elements.PixelData = encapsulate([elements.PixelData])
    elements["PixelData"].VR = "OB"
    elements["PixelData"].is_undefined_length = True
    elements.save_as(path)


def test_images_and_contours_are_a_cohort(unchanged: pd.DataFrame):
    assert len(unchanged) == 2 * unchanged["subject_id"].nunique() == 8


def test_times_of_the_trigger_are_not_needed(sunnybrook: Path, unchanged: pd.DataFrame, place: Place):
    copy_images(sunnybrook, place.inputs, without_trigger_time)

    done = place.index("sunnybrook").succeeds()

    assert done.quarantined.empty
    pd.testing.assert_frame_equal(content_of(done.scans), unchanged)


@pytest.mark.parametrize(
    ("change", "said", "remedy"),
    [
        (without_preamble, "no DICOM", "PS3.10"),
        (without_position, "no ImagePositionPatient", "keep this element"),
        (with_several_frames, "several frames", "to single frames first"),
        (compressed, "JPEG 2000", "decompress every file first"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_images_that_cannot_be_used_are_refused_with_the_remedy(
    change: Change, said: str, remedy: str, sunnybrook: Path, place: Place
):
    copy_images(sunnybrook, place.inputs, change)

    error = place.index("sunnybrook").error

    assert said in error
    assert remedy in error
