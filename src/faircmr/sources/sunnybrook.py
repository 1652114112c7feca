"""Sunnybrook Cardiac Data: DICOM images, contours as text, and a table of 45 patients.

As the Cardiac Atlas Project publishes it: ``SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-0048.dcm``,
``SCD_ManualContours/SC-HF-I-01/contours-manual/IRCCI-expert/IM-0001-0048-icontour-manual.txt`` and
``scd_patientdata.csv``; and as courses hand parts of it on: ``SCD0000101/48.dcm``,
``SC-HF-I-1/i-contours/IM-0001-0048-icontour-manual.txt`` and ``link.csv``. The last number of both names says which
contour belongs to which image. Folders between the root and a subject's own may have any name.

Source: Radau et al. 2009, "Evaluation Framework for Algorithms Segmenting Short Axis Cardiac MRI", The MIDAS
Journal; the data are in the public domain (CC0).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import pandas as pd

from faircmr.core import InvalidCohortError, InvalidScanError, Omission, Parameters
from faircmr.core.host import check_is_file, worker_count
from faircmr.core.scans import LabelImage, Phase, ScanFiles, Structure
from faircmr.core.user_input import identifier_text, named, read_user_table
from faircmr.sources.base import NoParameters, Rejection, SourceFiles, no_scans_error
from faircmr.sources.contours import Mask, fill, read_points
from faircmr.sources.conversion import Acquisition, Converted, Outcome, conversion_omissions, convert_all
from faircmr.sources.demographics_table import age_class, decoded_column, number_column
from faircmr.sources.dicom import ShortAxisCine, build_cine, read_frame
from faircmr.sources.files import FolderWalk
from faircmr.sources.nifti import write_image, write_label

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
        identifier_text(table["originalid"]).map(original_id, na_action="ignore"),
        identifier_text(table["patientid"]),
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


Place = tuple[int, int]
"""Slice and phase of an image in its cine."""


@dataclass(frozen=True)
class SunnybrookConverter:
    """Writes ``ED.nii.gz``, ``ED_label.nii.gz``, and the same of end systole."""

    @property
    def version(self) -> str:
        """As of :class:`~faircmr.sources.conversion.Converter`; raise the number when the scans become others."""
        return "1"

    def __call__(self, acquisition: Acquisition, folder: Path, salt: bytes) -> Outcome:
        """Write the scans of one subject.

        Args:
            acquisition: Images of one short-axis series, and contours, whose numbers are all among them.
            folder: Where to.
            salt: Not needed: nobody says who drew.

        Raises:
            InvalidScanError: The images are no cine, or the contours cannot be used.
        """
        frames = {
            int(match["number"]): read_frame(path)
            for path in acquisition.inputs
            if (match := IMAGE.fullmatch(path.name))
        }
        contours = [path for path in acquisition.inputs if CONTOUR.fullmatch(path.name)]
        drawn_on = {path: frames[contour_number(path)].header.uid for path in contours}
        cine = build_cine(list(frames.values()), frozenset(drawn_on.values()))
        return Outcome({}, (*cine.problems, *_write_phases(cine, drawn_on, folder)))


def phase_files(folder: Path, phase: Phase) -> ScanFiles:
    """Image and label of one phase in the folder of a subject."""
    return ScanFiles(folder / f"{phase}.nii.gz", folder / f"{phase}_label.nii.gz")


def phases_of(inner: Iterable[Place], outer: Iterable[Place]) -> dict[Phase, int]:
    """Which frame is which phase: the epicardium is drawn at end diastole alone, the endocardium at both.

    Args:
        inner: Where the endocardium is drawn.
        outer: Where the epicardium is drawn.

    Returns:
        Place in the cine of the frame with most epicardial contours, and of the one with most endocardial ones of
        the others.

    Raises:
        InvalidScanError: There is no epicardium, or no endocardium at another frame.
    """
    ed = _most_frequent([phase for _, phase in outer])
    es = _most_frequent([phase for _, phase in inner if phase != ed])
    if ed is None or es is None:
        raise InvalidScanError(
            "scan", "the contours do not tell ED from ES", "epicardium at ED, endocardium at ED and ES"
        )
    return {Phase.ED: ed, Phase.ES: es}


def _write_phases(cine: ShortAxisCine, drawn_on: Mapping[Path, str], folder: Path) -> tuple[str, ...]:
    _, rows, columns = cine.geometry.shape
    places = {uid: (number, phase) for number, uids in enumerate(cine.uids) for phase, uid in enumerate(uids)}
    sides: dict[bool, dict[Place, Mask]] = {False: {}, True: {}}
    for path, uid in drawn_on.items():
        if uid in places:
            sides[is_outer(path)][places[uid]] = fill(read_points(_text(path)), (rows, columns))
    inner, outer = sides[False], sides[True]
    phases = phases_of(inner, outer)
    for phase, frame in phases.items():
        files = phase_files(folder, phase)
        write_image(files.image, cine.frame(frame).astype(cine.stored_type), cine.geometry)
        if files.label is not None:
            write_label(files.label, _label(cine, frame, inner, outer), cine.geometry)
    return _problems(phases, len(drawn_on), inner, outer)


def _label(cine: ShortAxisCine, frame: int, inner: Mapping[Place, Mask], outer: Mapping[Place, Mask]) -> LabelImage:
    """Blood pool, and myocardium where both walls are drawn."""
    label = np.zeros(cine.geometry.shape, dtype=np.uint8)
    for number in range(len(label)):
        if (number, frame) in inner:
            if (number, frame) in outer:
                label[number][outer[number, frame]] = Structure.LVM
            label[number][inner[number, frame]] = Structure.LVBP
    return label


def _problems(
    phases: Mapping[Phase, int], contours: int, inner: Mapping[Place, Mask], outer: Mapping[Place, Mask]
) -> tuple[str, ...]:
    counts = {
        "contours on images that are not part of the stack, left out": contours - len(inner) - len(outer),
        "contours at another frame than ED and ES, left out": sum(
            place[1] not in phases.values() for place in (*inner, *outer)
        ),
        "epicardial contours without an endocardial one, left out": len(outer.keys() - inner.keys()),
    }
    return tuple(f"{what}: {count}" for what, count in counts.items() if count)


def _most_frequent(phases: list[int]) -> int | None:
    """The first of equals; ``None`` of none."""
    return max(sorted(set(phases)), key=phases.count, default=None)


def _text(path: Path) -> str:
    try:
        check_is_file(path)
        return path.read_bytes().decode("ascii", errors="replace")
    except OSError:
        raise InvalidScanError("scan", "a contour is missing or cannot be read", "every listed file") from None


SEXES = {"f": "female", "m": "male"}
RESTORE = "restore the images that the numbers of the contours name"
KEEP_ONE = "keep the series that was drawn on, and move the others out of source_root"


class Sunnybrook:
    """The cines of Sunnybrook, with the contours of its expert.

    Attributes are ``pathology`` (``HF-I`` and ``HF-NI``, heart failure with and without infarction; ``HYP``,
    hypertrophy; ``N``, normal) and, where ``scd_patientdata.csv`` is there, ``sex``, ``age`` and ``age_class``.
    """

    parameters_type: ClassVar[type[Parameters]] = NoParameters
    label_values: Mapping[int, Structure] = MappingProxyType({int(one): one for one in (Structure.LVBP, Structure.LVM)})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data lie; nothing is read yet."""
        self._root = root
        self._converted: Mapping[str, Converted] = {}

    def prepare(self, own: Path) -> None:
        """Convert whoever has images and contours and is not converted yet.

        Args:
            own: Folder of the converted scans; nothing in it is named after a subject.

        Raises:
            InvalidCohortError: There are no subjects, or the table does not link their ids.
            OutputError: The folder cannot be written.
        """
        usable = self._usable
        if not usable:
            raise no_scans_error(LAYOUT)
        acquisitions = [
            Acquisition(subject, (*found[0].values(), *files.contours))
            for subject, files in usable.items()
            if len(found := files.drawn_on()) == 1
        ]
        self._converted = convert_all(acquisitions, SunnybrookConverter(), own, worker_count(None))

    def scan_files(self) -> SourceFiles:
        """Image and label of both phases of everybody who could be converted."""
        return {
            (subject, phase): phase_files(each.folder, phase)
            for subject, each in self._converted.items()
            if not each.record.reason
            for phase in Phase
        }

    def rejected(self) -> Mapping[str, Rejection]:
        """Subjects whose contours belong to no series or to several, or whose images are no cine."""
        doubtful = {
            subject: f"{count} series that hold all images with contours; one; {KEEP_ONE if count else RESTORE}"
            for subject, files in self._usable.items()
            if (count := len(files.drawn_on())) != 1
        }
        unreadable = {subject: each.record.reason for subject, each in self._converted.items() if each.record.reason}
        return {
            subject: Rejection(self._found.subjects[subject].contours[0], reason)
            for subject, reason in {**doubtful, **unreadable}.items()
        }

    def omissions(self) -> Sequence[Omission]:
        """Subjects with images or contours alone, and what conversion put right or left out."""
        found = self._found.subjects.values()
        lacking = {
            "images without contours": sum(not one.contours for one in found),
            "contours without images": sum(not one.series for one in found),
        }
        alone = [Omission("subjects", count, len(found), reason) for reason, count in lacking.items() if count]
        return (*alone, *conversion_omissions(self._converted), *self._found.unlisted)

    def attribute_files(self) -> Sequence[Path]:
        """The table of patients."""
        table = find_table(self._root)
        return [] if table is None else [table]

    def attributes(self) -> pd.DataFrame:
        """What the ids and the table say of everybody who can be used.

        Raises:
            InvalidCohortError: The table lists a patient twice.
        """
        subjects = pd.Index(sorted(self._usable), name="source_id", dtype="str")
        table = self._patients.set_index("originalid").reindex(subjects)
        known = {"pathology": subjects.to_series().str.extract(ORIGINAL_ID.pattern)["pathology"]}
        if "gender" in table:
            known["sex"] = decoded_column(table, "gender", SEXES, TABLE)
        if "age" in table:
            known["age"] = number_column(table, "age", TABLE)
            known["age_class"] = age_class(known["age"])
        return pd.DataFrame(known)

    @property
    def _usable(self) -> Mapping[str, SubjectFiles]:
        return {subject: files for subject, files in self._found.subjects.items() if files.series and files.contours}

    @cached_property
    def _found(self) -> FoundFiles:
        return find_files(self._root, self._patients)

    @cached_property
    def _patients(self) -> pd.DataFrame:
        return read_patients(self._root)
