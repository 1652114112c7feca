"""Short-axis studies written with pydicom, every value from arithmetic."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from tests.zips import zipped

ROWS, COLUMNS, SLICES, PHASES = 5, 4, 3, 4
SPACING = (1.25, 1.75)
"""Millimetres between rows, between columns."""
DISTANCE, STEP_MS = 10.0, 25.0
ORIENTATION = (0.6, 0.8, 0.0, 0.0, 0.0, -1.0)
NORMAL = np.array((-0.8, 0.6, 0.0))
"""Cross product of the two directions, by hand."""
ORIGIN = np.array((-90.0, -40.0, 60.0))
SECRET = "7234567"
"""Stands in every name, id and date of a study, and must never come out."""
MANIFEST = f"filename,patientid,date,series discription\na.dcm,{SECRET},Jan 02, 2015 10:11,CINE_segmented_SAX_b1\n"


def uid(place: int, phase: int, repeat: int = 0) -> str:
    return f"1.2.{SECRET}.{repeat + 1}.{place + 1}.{phase + 1}"


def stored_pixels(place: int, phase: int) -> np.ndarray:
    """No two pixels of a study are equal."""
    return (np.arange(ROWS * COLUMNS) + 100 * place + 1000 * (phase % 4)).reshape(ROWS, COLUMNS)


def frame(place: int, phase: int, repeat: int = 0, **changes: object) -> Dataset:
    """One image; ``changes`` are elements by keyword, ``None`` to leave one out."""
    values: dict[str, object] = {
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": uid(place, phase, repeat),
        "SeriesInstanceUID": f"1.2.{SECRET}.9.{repeat + 1}.{place + 1}",
        "SeriesDescription": f"CINE_segmented_SAX_b{20 - place}",
        "PatientName": f"Name^{SECRET}",
        "PatientID": SECRET,
        "AcquisitionDate": "20150102",
        "AcquisitionTime": f"1011{repeat:02d}",
        "TriggerTime": STEP_MS * phase,
        "InstanceNumber": phase + 1,
        "SliceThickness": 8,
        "SpacingBetweenSlices": 8,
        "SliceLocation": -3.0 * place,
        "ImagePositionPatient": (ORIGIN + DISTANCE * place * NORMAL).round(6).tolist(),
        "ImageOrientationPatient": list(ORIENTATION),
        "PixelSpacing": list(SPACING),
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": ROWS,
        "Columns": COLUMNS,
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "PixelData": stored_pixels(place, phase).astype("<u2").tobytes(),
    } | changes
    dataset = Dataset()
    for keyword, value in values.items():
        if value is not None:
            setattr(dataset, keyword, value)
    if "PixelData" in dataset:
        dataset["PixelData"].VR = "OW"
    return dataset


def dicom_bytes(dataset: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    stream = io.BytesIO()
    encoding = {"implicit_vr": False, "little_endian": True} if syntax not in NATIVE else {}
    dataset.save_as(stream, enforce_file_format=not encoding, **encoding)
    return stream.getvalue()


NATIVE = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")


def study(**changes: object) -> list[Dataset]:
    """All images of a study, in no useful order."""
    return [frame(place, phase, **changes) for phase in reversed(range(PHASES)) for place in (1, 0, 2)]


def write_zip(path: Path, images: Iterable[Dataset | bytes], others: Mapping[str, str] | None = None) -> Path:
    contents = [image if isinstance(image, bytes) else dicom_bytes(image) for image in images]
    named = {f"{SECRET}.{number}.dcm": content for number, content in enumerate(contents)}
    path.write_bytes(zipped({**named, **(others or {"manifest.csv": MANIFEST})}))
    return path
