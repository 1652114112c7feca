"""What lies in a folder of the Sunnybrook Cardiac Data, by subject, without opening an image.

As the Cardiac Atlas Project publishes it: ``SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-0048.dcm``,
``SCD_ManualContours/SC-HF-I-01/contours-manual/IRCCI-expert/IM-0001-0048-icontour-manual.txt`` and
``scd_patientdata.csv``; and as courses hand parts of it on: ``SCD0000101/48.dcm``,
``SC-HF-I-1/i-contours/IM-0001-0048-icontour-manual.txt`` and ``link.csv``. The last number of both names says which
contour belongs to which image. Folders between the root and a subject's own may have any name.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from faircmr.core.errors import InvalidCohortError
from faircmr.core.user_tables import read_user_table

LAYOUT = "folders SC-HF-I-1/ with contours, folders SCD0000101/ with DICOM images, and scd_patientdata.csv or link.csv"
TABLES = ("scd_patientdata.csv", "link.csv")
LINKED = ("patientid", "originalid")
TABLE = "the table of Sunnybrook's patients"
SHORT_AXIS = "CINESAX"
DEEPEST = 5
"""Levels below the root: SCD_ManualContours/<id>/contours-manual/IRCCI-expert/<file>."""
ORIGINAL_ID = re.compile(r"SC-(?P<pathology>HF-I|HF-NI|HYP|N)-0*(?P<number>\d+)")
CONTOUR = re.compile(r"IM-\d+-(?P<number>\d+)-(?P<side>[io])contour-manual\.txt")
IMAGE = re.compile(r"(?:IM-(?P<series>\d+)-)?(?P<number>\d+)\.dcm", re.IGNORECASE)
Numbered = dict[int, Path]


@dataclass(frozen=True)
class SubjectFiles:
    """Files of one subject.

    Attributes:
        contours: Every contour.
        series: Images by number, of each folder and series in it.
    """

    contours: tuple[Path, ...]
    series: tuple[Numbered, ...]

    def drawn_on(self) -> list[Numbered]:
        """Series that the contours may belong to, which hold all numbers; of several those called short axis."""
        numbers = {contour_number(path) for path in self.contours}
        holding = [images for images in self.series if numbers <= images.keys()]
        named = [images for images in holding if next(iter(images.values())).parent.name.startswith(SHORT_AXIS)]
        return named or holding


def original_id(name: str) -> str | None:
    """Original id, e.g. ``SC-HF-I-1``, without zeros before its number; ``None`` of any other name."""
    match = ORIGINAL_ID.fullmatch(name)
    return f"SC-{match['pathology']}-{match['number']}" if match else None


def contour_number(path: Path) -> int:
    """Number of the image that a contour is drawn on."""
    match = CONTOUR.fullmatch(path.name)
    if match is None:
        raise ValueError("no contour of Sunnybrook")
    return int(match["number"])


def is_outer(path: Path) -> bool:
    """Whether a contour is the epicardium."""
    return "-ocontour-" in path.name


def read_patients(root: Path) -> pd.DataFrame:
    """The table of patients.

    Returns:
        Columns in lower case without underscores (``patientid``, ``originalid``, ``gender``, ``age``); text. No rows
        where there is no table: images may lie in folders of the original ids.

    Raises:
        InvalidCohortError: It does not link both ids one to one.
        InvalidParameterError: It cannot be read.
    """
    path = next((root / name for name in TABLES if (root / name).is_file()), None)
    if path is None:
        return pd.DataFrame(columns=list(LINKED), dtype="str")
    table = read_user_table(path, "source_root")
    table.columns = [str(name).replace("_", "").strip().lower() for name in table.columns]
    missing = set(LINKED) - set(table.columns)
    if missing:
        raise InvalidCohortError(TABLE, f"no {' and no '.join(sorted(missing))}", "columns PatientID and OriginalID")
    ids = table["originalid"].astype("str").str.strip().map(original_id)
    unusable = int(ids.isna().sum()), int(ids.duplicated().sum()) + int(table["patientid"].duplicated().sum())
    if any(unusable):
        found = f"{unusable[0]} rows without an id such as SC-HF-I-1, {unusable[1]} ids that stand twice"
        raise InvalidCohortError(TABLE, found, "each patient once", "mend the table")
    return table.assign(originalid=ids, patientid=table["patientid"].astype("str").str.strip())


def find_files(root: Path, patients: pd.DataFrame) -> Mapping[str, SubjectFiles]:
    """Files of every subject who has any, by original id.

    Raises:
        InvalidCohortError: A contour lies there twice.
    """
    originals = dict(zip(patients["patientid"], patients["originalid"], strict=True))
    contours: dict[str, dict[str, Path]] = defaultdict(dict)
    series: dict[str, dict[tuple[Path, str], Numbered]] = defaultdict(lambda: defaultdict(dict))
    twice = 0
    for subject, path in _files_of_subjects(root, originals):
        if CONTOUR.fullmatch(path.name):
            twice += path.name in contours[subject]
            contours[subject][path.name] = path
        elif match := IMAGE.fullmatch(path.name):
            series[subject][path.parent, match["series"] or ""][int(match["number"])] = path
    if twice:
        raise InvalidCohortError("source_root", f"{twice} contours that stand twice", "each once", "remove the copies")
    everybody = sorted({*contours, *series})
    return {one: SubjectFiles(tuple(contours[one].values()), tuple(series[one].values())) for one in everybody}


def _files_of_subjects(root: Path, originals: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Every file below a folder that is named after a subject."""
    for folder, folders, names in os.walk(root):
        parts = Path(folder).relative_to(root).parts
        folders[:] = sorted(folders) if len(parts) < DEEPEST - 1 else []
        subjects = [one for part in parts if (one := original_id(part) or originals.get(part))]
        if subjects:
            yield from ((subjects[-1], Path(folder, name)) for name in sorted(names))
