"""Studies a second that become NIfTI on one core: ED and ES alone, and the whole cine.

The study is made here: 50 phases of 10 slices of 208 x 187 pixels of 16 bits (12 of them used), 25 other elements
an image, a manifest, zipped with deflate as UK Biobank's field 20209 is. Counted is CPU time, because other work on
the machine is none of this one's; the memory is what the process held at most, Python and NumPy included.

python benchmarks/dicom_speed.py --studies 5
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import numpy.typing as npt
import pandas as pd
from markdown_table import as_markdown
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from faircmr.sources import Archive, write_cine, write_image
from faircmr.sources.dicom import read_short_axis

PHASES, SLICES, ROWS, COLUMNS = 50, 10, 208, 187
ED, ES = 0, 19
TEXTS = {
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "AcquisitionDate": "20150102",
    "AcquisitionTime": "101112.000000",
    "Modality": "MR",
    "Manufacturer": "SIEMENS",
    "ManufacturerModelName": "Aera",
    "ScanningSequence": "GR",
    "SequenceVariant": "SK",
    "MRAcquisitionType": "2D",
    "SliceThickness": 8,
    "RepetitionTime": 31.92,
    "EchoTime": 1.1,
    "FlipAngle": 80,
    "PatientPosition": "HFS",
    "FrameOfReferenceUID": generate_uid(entropy_srcs=["frame of reference"]),
    "PixelSpacing": [1.826923, 1.826923],
    "ImageOrientationPatient": [0.6, 0.8, 0, 0, 0, -1],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=5)
    studies = parser.parse_args().studies
    with tempfile.TemporaryDirectory(prefix="faircmr-dicom-") as name:
        archive = write_study(Path(name) / "study.zip")
        before = megabytes()
        rows = [
            measured("ED and ES as two .nii.gz", write_two_phases, archive, studies),
            measured("the whole cine as one .nii.gz", write_all_phases, archive, studies),
        ]
        size = archive.stat().st_size / 2**20
    print(as_markdown(pd.DataFrame(rows), 2))
    print(
        f"\nThe archive has {size:.0f} MB; at most {megabytes():.0f} MB were held, {before:.0f} before the first study."
    )


def write_two_phases(path: Path, folder: Path) -> None:
    with Archive(path) as archive:
        cine = read_short_axis(archive, ())
        for name, index in (("sa_ED.nii.gz", ED), ("sa_ES.nii.gz", ES)):
            write_image(folder / name, cine.frame(index).astype(np.int16), cine.geometry)


def write_all_phases(path: Path, folder: Path) -> None:
    with Archive(path) as archive:
        write_cine(folder / "sa.nii.gz", read_short_axis(archive, ()))


def measured(what: str, work: Callable[[Path, Path], None], archive: Path, studies: int) -> dict[str, object]:
    seconds = []
    for _ in range(studies):
        start = time.process_time()
        work(archive, archive.parent)
        seconds.append(time.process_time() - start)
    median = statistics.median(seconds)
    return {
        "study to": what,
        "CPU seconds": median,
        "fastest": min(seconds),
        "slowest": max(seconds),
        "studies a second": 1 / median,
    }


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write_study(path: Path) -> Path:
    random = np.random.default_rng(0)
    lines = ["filename,patientid,date,series discription"]
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for place in range(SLICES):
            for phase in range(PHASES):
                content = image(place, phase, tissue(random, phase))
                archive.writestr(f"{generate_uid(entropy_srcs=[str((place, phase))])}.dcm", content)
                lines.append(f"{place}-{phase}.dcm,0,Jan 02, 2015 10:11,CINE_segmented_SAX_b{place + 1}")
        archive.writestr("manifest.csv", "\n".join(lines))
    return path


def tissue(random: np.random.Generator, phase: int) -> npt.NDArray[np.uint16]:
    """A bright disc that beats in a darker body, with the noise of a scanner."""
    rows, columns = np.ogrid[:ROWS, :COLUMNS]
    radius = 25 + 8 * np.cos(2 * np.pi * phase / PHASES)
    distance = np.hypot(rows - ROWS / 2, columns - COLUMNS / 2)
    signal = 40 + 150 * (distance < 80) + 250 * (distance < radius)
    magnitude = np.hypot(signal + random.normal(0, 12, signal.shape), random.normal(0, 12, signal.shape))
    stored: npt.NDArray[np.uint16] = magnitude.astype(np.uint16)
    return stored


def image(place: int, phase: int, pixels: npt.NDArray[np.uint16]) -> bytes:
    dataset = Dataset()
    for keyword, value in TEXTS.items():
        setattr(dataset, keyword, value)
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, generate_uid(entropy_srcs=[f"{place} {phase}"])
    dataset.SeriesInstanceUID = generate_uid(entropy_srcs=[f"series {place}"])
    dataset.SeriesDescription = f"CINE_segmented_SAX_b{place + 1}"
    dataset.ContentTime = datetime(2015, 1, 2, 10, 11, 12, phase, tzinfo=UTC).strftime("%H%M%S.%f")
    dataset.TriggerTime, dataset.InstanceNumber = 21.5 * phase, phase + 1
    dataset.ImagePositionPatient = [-170 + 8 * place, -20 - 6 * place, 190]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.add_new(0x00290010, "LO", "SIEMENS CSA HEADER")
    dataset.add_new(0x00291010, "OB", bytes(range(256)) * 40)
    dataset.add_new(0x7FE00010, "OW", pixels.astype("<u2").tobytes())
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


if __name__ == "__main__":
    main()
