"""What lies in a folder of the Sunnybrook Cardiac Data, by subject, without opening an image.

As the Cardiac Atlas Project publishes it: ``SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-0048.dcm``,
``SCD_ManualContours/SC-HF-I-01/contours-manual/IRCCI-expert/IM-0001-0048-icontour-manual.txt`` and
``scd_patientdata.csv``; and as courses hand parts of it on: ``SCD0000101/48.dcm``,
``SC-HF-I-1/i-contours/IM-0001-0048-icontour-manual.txt`` and ``link.csv``. The last number of both names says which
contour belongs to which image. Folders between the root and a subject's own may have any name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from faircmr.core.errors import InvalidCohortError
from faircmr.core.file_names import named
from faircmr.core.omissions import Omission
from faircmr.core.table_values import identifiers
from faircmr.core.user_tables import read_user_table
from faircmr.sources.folders import FolderWalk

LAYOUT = "folders SC-HF-I-1/ with contours, folders SCD0000101/ with DICOM images, and scd_patientdata.csv or link.csv"
TABLES = ("scd_patientdata.csv", "link.csv")
LINKED = ("patientid", "originalid")
TABLE = "the table of Sunnybrook's patients"
SHORT_AXIS = "CINESAX"
DEEPEST = 4
"""Levels of folders below the root: SCD_ManualContours/<id>/contours-manual/IRCCI-expert."""
ORIGINAL_ID = re.compile(r"SC-(?P<pathology>HF-I|HF-NI|HYP|N)-0*(?P<number>\d+)")
CONTOUR = re.compile(r"IM-\d+-(?P<number>\d+)-(?P<side>[io])contour-manual\.txt", re.IGNORECASE)
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
        short_axis = [one for one in holding if next(iter(one.values())).parent.name.upper().startswith(SHORT_AXIS)]
        return short_axis or holding


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
    return "-ocontour-" in path.name.lower()


def find_table(root: Path) -> Path | None:
    """The table of patients; the first of :data:`TABLES` that is there, in any case."""
    names = [name for listing in FolderWalk(root, 0, is_data=_is_table) for name in listing.files]
    return next((root / found for name in TABLES for found in named(names, name)), None)


def read_patients(root: Path) -> pd.DataFrame:
    """The table of patients.

    Returns:
        Columns in lower case without underscores (``patientid``, ``originalid``, ``gender``, ``age``); text. No rows
        where there is no table: images may lie in folders of the original ids.

    Raises:
        InvalidCohortError: It does not link both ids one to one.
        InvalidParameterError: It cannot be read.
    """
    path = find_table(root)
    if path is None:
        return pd.DataFrame(columns=list(LINKED), dtype="str")
    table = read_user_table(path, "source_root")
    table.columns = [str(name).replace("_", "").strip().lower() for name in table.columns]
    missing = set(LINKED) - set(table.columns)
    if missing:
        raise InvalidCohortError(TABLE, f"no {' and no '.join(sorted(missing))}", "columns PatientID and OriginalID")
    ids, patients = (
        identifiers(table["originalid"]).map(original_id, na_action="ignore"),
        identifiers(table["patientid"]),
    )
    unusable = int(ids.isna().sum()), int(ids.duplicated().sum()) + int(patients.duplicated().sum())
    if any(unusable):
        found = f"{unusable[0]} rows without an id such as SC-HF-I-1, {unusable[1]} ids that stand twice"
        raise InvalidCohortError(TABLE, found, "each patient once", "correct the table")
    return table.assign(originalid=ids, patientid=patients)


@dataclass(frozen=True)
class FoundFiles:
    """Files of all subjects.

    Attributes:
        subjects: Files of every subject who has any, by original id.
        unlisted: Links and folders that nothing could be listed of.
    """

    subjects: Mapping[str, SubjectFiles]
    unlisted: tuple[Omission, ...]


def find_files(root: Path, patients: pd.DataFrame) -> FoundFiles:
    """Files of every subject who has any.

    Raises:
        InvalidCohortError: A contour or an image of a series is there twice.
    """
    originals = dict(zip(patients["patientid"], patients["originalid"], strict=True))
    contours: dict[str, dict[str, Path]] = defaultdict(dict)
    series: dict[str, dict[tuple[Path, str], Numbered]] = defaultdict(lambda: defaultdict(dict))
    twice = {"contours": 0, "images": 0}
    walk = FolderWalk(root, DEEPEST, is_data=_is_data)
    for subject, path in _files_of_subjects(walk, root, originals):
        if CONTOUR.fullmatch(path.name):
            name = path.name.lower()
            twice["contours"] += name in contours[subject]
            contours[subject][name] = path
        elif match := IMAGE.fullmatch(path.name):
            images = series[subject][path.parent, match["series"] or ""]
            twice["images"] += int(match["number"]) in images
            images[int(match["number"])] = path
    for what, count in twice.items():
        if count:
            raise InvalidCohortError("source_root", f"{count} {what} are there twice", "each once", "remove the copies")
    everybody = sorted({*contours, *series})
    files = {one: SubjectFiles(tuple(contours[one].values()), tuple(series[one].values())) for one in everybody}
    return FoundFiles(files, walk.omissions("source_root"))


def _files_of_subjects(walk: FolderWalk, root: Path, originals: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    """Every file below a folder that is named after a subject."""
    for listing in walk:
        parts = listing.path.relative_to(root).parts
        subjects = [one for part in parts if (one := original_id(part) or originals.get(part))]
        if subjects:
            yield from ((subjects[-1], listing.path / name) for name in sorted(listing.files))


def _is_data(name: str) -> bool:
    return CONTOUR.fullmatch(name) is not None or IMAGE.fullmatch(name) is not None


def _is_table(name: str) -> bool:
    return name.lower() in TABLES
