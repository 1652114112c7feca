"""What is to be done about images that cannot be converted is stated wherever the reason is: table, console, error."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from pydicom.dataset import Dataset

from faircmr.core import InvalidCohortError, InvalidScanError
from faircmr.core.scans import Cohort
from faircmr.core.study import AttributeParameters, QuarantineParameters, index_study
from faircmr.sources import Source, build_cohort
from faircmr.sources.base import NoParameters
from faircmr.sources.sunnybrook import Sunnybrook
from faircmr.sources.ukbb import Ukbb, UkbbParameters
from tests.sources import test_sunnybrook as sunnybrook
from tests.sources.dicom.test_reading import with_syntax
from tests.sources.dicom.written import PHASES, dicom_bytes, frame, write_zip
from tests.sources.ukbb import biobank

WITHOUT = "an image has no {}; it in every image; "
FAULTS: Mapping[str, tuple[dict[str, object], str, str]] = {
    "no position": (
        {"ImagePositionPatient": None},
        WITHOUT.format("ImagePositionPatient"),
        "keep this element, which names no person; without the originals, convert the series to NIfTI",
    ),
    "no orientation": (
        {"ImageOrientationPatient": None},
        WITHOUT.format("ImageOrientationPatient"),
        "keep this element",
    ),
    "spacing of 0": ({"PixelSpacing": [0, 0]}, "PixelSpacing is (0.0, 0.0)", "restore the headers"),
    "slanting": ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "ImageOrientationPatient is", "keep this element"),
    "no size": ({"Rows": 0}, "an image has 0 rows", "restore the headers"),
    "one place": ({"ImagePositionPatient": [0, 0, 0]}, "lie in one slice", "restore the other slices"),
    "one UID": ({"SOPInstanceUID": "1.2.3"}, "share a SOPInstanceUID", "a UID of its own"),
    "no order": (
        {"TriggerTime": None, "InstanceNumber": None},
        "the order of phases is unknown; TriggerTime or InstanceNumber",
        "restore the headers",
    ),
    "no spacing": ({"PixelSpacing": None}, WITHOUT.format("PixelSpacing"), "restore the headers"),
    "several frames": ({"NumberOfFrames": 30}, "a DICOM file has several frames", "emf2sf of dcm4che"),
    "colours": ({"PhotometricInterpretation": "RGB"}, "photometric interpretation another", "export the images"),
}
"""Elements that are changed, what is said of them, and what is to be done."""
COMPRESSED = {
    "1.2.840.10008.1.2.4.50": ("JPEG Baseline", "with dcmdjpeg or gdcmconv --raw"),
    "1.2.840.10008.1.2.4.70": ("JPEG Lossless", "with dcmdjpeg or gdcmconv --raw"),
    "1.2.840.10008.1.2.4.80": ("JPEG-LS Lossless", "with dcmdjpls or gdcmconv --raw"),
    "1.2.840.10008.1.2.4.90": ("JPEG 2000 Image Compression (Lossless Only)", "with gdcmconv --raw"),
    "1.2.840.10008.1.2.4.91": ("JPEG 2000 Image Compression", "with gdcmconv --raw"),
    "1.2.840.10008.1.2.5": ("RLE Lossless", "with dcmdrle or gdcmconv --raw"),
    "1.2.840.10008.1.2.1.99": ("Deflated Explicit VR Little Endian", "with dcmconv +te or gdcmconv --raw"),
}
"""What is said of a transfer syntax, and the commands that decompress it."""
Written = Callable[[Dataset], bytes]


@dataclass(frozen=True)
class Spoilt:
    """A cohort of two subjects, one of whom has images that cannot be used."""

    source: Source
    attribute: str
    usable: str
    unusable: str

    def cohort(self) -> Cohort:
        key = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "source_id": [self.usable, self.unusable]})
        return build_cohort(self.source, key)


def changed(image: Dataset, changes: Mapping[str, object]) -> Dataset:
    for keyword, value in changes.items():
        delattr(image, keyword) if value is None else setattr(image, keyword, value)
    return image


def biobank_with(tmp_path: Path, written: Written, **changes: object) -> Spoilt:
    usable, unusable = biobank.IDS[:2]
    root = biobank.write_biobank(tmp_path / "biobank", (usable, unusable))
    images = [changed(image, changes) for image in biobank.images_of(unusable)]
    write_zip(root / "bulk" / unusable[-2:] / f"{unusable}_20209_2_0.zip", [written(image) for image in images])
    source = Ukbb(root, UkbbParameters(workers=1))
    source.prepare(tmp_path / "own")
    return Spoilt(source, "race", usable, unusable)


def sunnybrook_with(tmp_path: Path, written: Written, **changes: object) -> Spoilt:
    root = sunnybrook.write_published(tmp_path / "sunnybrook")
    for path in (root / "SCD_IMAGES_01" / "SCD0000202").rglob("*.dcm"):
        place, phase = divmod(int(path.stem[-4:]) - 1, PHASES)
        size = {"Rows": sunnybrook.ROWS, "Columns": sunnybrook.COLUMNS}
        pixels = {"PixelData": b"\1\0" * sunnybrook.ROWS * sunnybrook.COLUMNS}
        path.write_bytes(written(frame(place, phase, **{**size, **pixels, **changes})))
    source = Sunnybrook(root, NoParameters())
    source.prepare(tmp_path / "own")
    return Spoilt(source, "pathology", "SC-HF-I-1", "SC-N-2")


SOURCES = pytest.mark.parametrize("spoil", [biobank_with, sunnybrook_with], ids=["UK Biobank", "Sunnybrook"])


def check_everywhere(spoilt: Spoilt, found: str, remedy: str, caplog: pytest.LogCaptureFixture) -> None:
    """The table of the quarantine, the line of the log, and the errors of both policies."""
    attributes = AttributeParameters(protected_attribute=spoilt.attribute)
    cohort = spoilt.cohort()
    with caplog.at_level(logging.WARNING):
        index = index_study(cohort, attributes, QuarantineParameters(largest_share=0.5))
    (reason,) = index.quarantine["reason"]
    assert index.quarantine["subject_id"].tolist() == ["sub-0002"]
    assert found in reason
    assert remedy in reason
    assert f"1 of 2 subjects are left out: {reason}" in caplog.text
    with pytest.raises(InvalidScanError) as one:
        index_study(cohort, attributes, QuarantineParameters(invalid_scans="error"))
    with pytest.raises(InvalidCohortError) as too_many:
        index_study(cohort, attributes, QuarantineParameters(largest_share=0.1))
    for error in (one, too_many):
        assert remedy in str(error.value)
        assert "01_raw/key.csv" in str(error.value)
    assert spoilt.unusable not in reason


@SOURCES
@pytest.mark.parametrize("fault", FAULTS)
def test_of_headers(tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil, fault: str):
    changes, found, remedy = FAULTS[fault]

    check_everywhere(spoil(tmp_path, dicom_bytes, **changes), found, remedy, caplog)


@SOURCES
@pytest.mark.parametrize("syntax", COMPRESSED)
def test_of_compressed_images(tmp_path: Path, caplog: pytest.LogCaptureFixture, spoil, syntax: str):
    name, commands = COMPRESSED[syntax]

    spoilt = spoil(tmp_path, lambda image: with_syntax(dicom_bytes(image), syntax))

    check_everywhere(spoilt, f"the transfer syntax of an image is {name}", f"for example {commands}", caplog)


@SOURCES
def test_is_stated_where_no_subject_is_left(tmp_path: Path, spoil):
    spoilt = spoil(tmp_path, dicom_bytes, NumberOfFrames=30)
    cohort = spoilt.cohort()

    with pytest.raises(InvalidCohortError, match=r"several frames.*emf2sf"):
        index_study(
            cohort.without(["sub-0001"]),
            AttributeParameters(protected_attribute=spoilt.attribute),
            QuarantineParameters(),
        )
