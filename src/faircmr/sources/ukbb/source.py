"""UK Biobank as a source: bulk archives or NIfTI, manual contours, and tables in any of three layouts.

Archives may lie in any folder, as bulk downloads and the Research Analysis Platform leave them: ``<eid>_20209_2_0.zip``
(field 20209, short-axis cines; 2 is the imaging visit, 3 the repeat visit) and ``<eid>_cvi42.zip`` (manual contours).
Scans that were converted before are folders ``<eid>/`` in the layout of ukbb_cardiac: ``sa_ED.nii.gz``,
``label_sa_ED.nii.gz``, ``sa_ES.nii.gz``, ``label_sa_ES.nii.gz``. Any of these may be links.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from faircmr.core import InvalidCohortError, InvalidParameterError, InvalidScanError, Omission, Parameters
from faircmr.core.host import worker_count
from faircmr.core.scans import Phase, ScanFiles, Structure
from faircmr.core.study import pseudonym
from faircmr.core.user_input import copies, has_suffix, is_nifti, nifti_by_stem
from faircmr.sources import (
    Acquisition,
    Archive,
    ArchiveLimits,
    Converted,
    FolderWalk,
    Listing,
    Outcome,
    Rejection,
    SourceFiles,
    check_copies,
    conversion_omissions,
    convert_all,
    no_scans_error,
    write_cine,
    write_image,
    write_label,
)
from faircmr.sources.dicom import ShortAxisCine, read_short_axis
from faircmr.sources.ukbb.cvi42 import LARGEST, Annotation, draw_labels, read_workspace
from faircmr.sources.ukbb.participants import Demographics, may_be_table, read_tables, tables_among

LAYOUT = "archives <eid>_20209_2_0.zip with <eid>_cvi42.zip, or folders <eid>/ with sa_ED.nii.gz and label_sa_ED.nii.gz"
IMAGES = re.compile(r"(?P<eid>\d+)_20209_(?P<visit>\d)_(?P<repeat>\d+)\.zip", re.IGNORECASE)
CONTOURS = re.compile(r"(?P<eid>\d+)_cvi42\.zip", re.IGNORECASE)
DEEPEST, DEEPEST_TABLE = 4, 1
"""Levels of folders below the root in which scans and tables are looked for."""
_STEMS_OF = {phase: (f"sa_{phase}".lower(), f"label_sa_{phase}".lower()) for phase in Phase}
"""Image and label of each phase, without suffix and in lower case."""
_STEMS = frozenset(stem for stems in _STEMS_OF.values() for stem in stems)


@dataclass(frozen=True)
class FoundFiles:
    """Files of all participants, by their ids.

    Attributes:
        scans: Files of both phases of those who have NIfTI.
        images: Archive of the earliest imaging visit of the others.
        contours: Archive of the contours, of anybody.
        archives: How many archives of images there are, those of later visits and of those who have NIfTI among them.
        texts: Files in the root and in the folders directly below it that may be tables.
        unlisted: Links and folders that nothing could be listed of.
    """

    scans: Mapping[str, Mapping[Phase, ScanFiles]]
    images: Mapping[str, Path]
    contours: Mapping[str, Path]
    archives: int = 0
    texts: tuple[Path, ...] = ()
    unlisted: tuple[Omission, ...] = ()

    def contoured(self) -> list[Acquisition]:
        """Archives of images with their contours."""
        both = sorted(self.images.keys() & self.contours.keys())
        return [Acquisition(eid, (self.images[eid], self.contours[eid])) for eid in both]

    def without_contours(self) -> list[Acquisition]:
        """Archives of images that nobody has drawn on."""
        return [Acquisition(eid, (self.images[eid],)) for eid in sorted(self.images.keys() - self.contours.keys())]

    def omissions(self) -> list[Omission]:
        """Archives that no scan of the study is made of, by reason, and what could not be listed."""
        images = {
            "of a later visit, or of a participant with NIfTI": self.archives - len(self.images),
            "no archive of contours": len(self.without_contours()),
        }
        contours = {
            "no archive of images": len(self.contours.keys() - self.images.keys() - self.scans.keys()),
            "their participants have NIfTI": len(self.contours.keys() & self.scans.keys()),
        }
        counted = {
            "archives of images": (images, self.archives),
            "archives of contours": (contours, len(self.contours)),
        }
        archives = [
            Omission(what, count, total, reason)
            for what, (counts, total) in counted.items()
            for reason, count in counts.items()
            if count
        ]
        return [*archives, *self.unlisted]


def find_files(root: Path) -> FoundFiles:
    """List a folder and those below it.

    Raises:
        InvalidCohortError: Two folders, or two archives of the same visit or of contours, are of one participant; or a
            scan is there as ``.nii`` and as ``.nii.gz``.
    """
    folders: dict[Path, Mapping[str, tuple[str, ...]]] = {}
    images: list[tuple[str, str, Path]] = []
    contours: list[tuple[str, Path]] = []
    texts: list[Path] = []
    walk = FolderWalk(root, DEEPEST, is_data=_is_data)
    for listing in walk:
        if listing.depth <= DEEPEST_TABLE:
            texts += [listing.path / name for name in listing.files if may_be_table(name)]
        scans = _scans_in(listing)
        if scans:
            folders[listing.path] = scans
            continue
        images += [
            (match["eid"], f"{match['visit']}_{match['repeat']}", listing.path / match[0])
            for match in _named(IMAGES, listing.files)
        ]
        contours += [(match["eid"], listing.path / match[0]) for match in _named(CONTOURS, listing.files)]
    _check_once("folders of scans", Counter(folder.name for folder in folders))
    _check_once("archives of the same visit", Counter((eid, visit) for eid, visit, _ in images))
    _check_once("archives of contours", Counter(eid for eid, _ in contours))
    check_copies(sum(map(copies, folders.values())), "source_root")
    found = {folder.name: _phases(folder, files) for folder, files in folders.items()}
    unlisted = walk.omissions("source_root")
    return FoundFiles(found, _earliest(images, found), dict(contours), len(images), tuple(sorted(texts)), unlisted)


def phase_files(folder: Path, phase: Phase) -> ScanFiles:
    """Image and label of one phase in the layout of ukbb_cardiac."""
    return ScanFiles(folder / f"sa_{phase}.nii.gz", folder / f"label_sa_{phase}.nii.gz")


def _is_data(name: str) -> bool:
    return is_nifti(name) or has_suffix(name, ".zip")


def _scans_in(listing: Listing) -> dict[str, tuple[str, ...]]:
    """Files of scans in the layout of ukbb_cardiac, by their names in lower case; none where it is another folder."""
    files = {stem.lower(): names for stem, names in nifti_by_stem(listing.files).items() if stem.lower() in _STEMS}
    return files if any(image in files for image, _ in _STEMS_OF.values()) else {}


def _phases(folder: Path, files: Mapping[str, tuple[str, ...]]) -> Mapping[Phase, ScanFiles]:
    found: dict[Phase, ScanFiles] = {}
    for phase, (image, label) in _STEMS_OF.items():
        standard = phase_files(folder, phase)
        found[phase] = ScanFiles(
            folder / files[image][0] if image in files else standard.image,
            folder / files[label][0] if label in files else None,
        )
    return found


def _earliest(images: list[tuple[str, str, Path]], scans: Mapping[str, object]) -> Mapping[str, Path]:
    """The first visit's archive of everybody who has no NIfTI."""
    return {eid: path for eid, _, path in sorted(images, reverse=True) if eid not in scans}


def _named(pattern: re.Pattern[str], names: frozenset[str]) -> list[re.Match[str]]:
    return [match for match in map(pattern.fullmatch, sorted(names)) if match is not None]


def _check_once(what: str, counts: Mapping[object, int]) -> None:
    repeated = sum(count > 1 for count in counts.values())
    if repeated:
        raise InvalidCohortError(
            "source_root", f"{repeated} participants have two {what}", "one of each", "remove or move the others"
        )


CINE = "sa.nii.gz"
OBSERVER = "observer"
WORKSPACE = ".cvi42wsx"
CONTOUR_LIMITS = ArchiveLimits(members=100, member_bytes=LARGEST, total_bytes=2 * LARGEST, ratio=1000.0)
"""A workspace is XML of some megabytes that shrinks to a twentieth or less."""


@dataclass(frozen=True)
class UkbbConverter:
    """Writes the layout of ukbb_cardiac.

    Attributes:
        cines: Whether the whole cine is written too, as ``sa.nii.gz``.
    """

    cines: bool

    @property
    def version(self) -> str:
        """As of :class:`~faircmr.sources.conversion.Converter`; raise the number when the scans become others."""
        return f"1 with cines {self.cines}"

    def __call__(self, acquisition: Acquisition, folder: Path, salt: bytes) -> Outcome:
        """Write the scans of one participant.

        Args:
            acquisition: Archive of images and, if somebody drew them, archive of contours.
            folder: Where to.
            salt: Keeps the annotator's name: ``observer`` is its pseudonym.

        Raises:
            InvalidScanError: An archive cannot be read, or its contours cannot be used.
        """
        images, *contours = acquisition.inputs
        annotation = read_annotation(contours[0]) if contours else None
        with Archive(images) as archive:
            cine = read_short_axis(archive, annotation.contours.keys() if annotation else ())
            if self.cines:
                write_cine(folder / CINE, cine)
            if annotation is None:
                return Outcome({}, cine.problems)
            problems = _write_phases(cine, annotation, folder)
        drawn_by = {OBSERVER: pseudonym(annotation.observer, salt)} if annotation.observer else {}
        return Outcome(drawn_by, (*cine.problems, *problems))


def read_annotation(path: Path) -> Annotation:
    """Contours of an archive ``<eid>_cvi42.zip``.

    Raises:
        InvalidScanError: It holds no workspace, or several.
    """
    with Archive(path, CONTOUR_LIMITS) as archive:
        workspaces = [name for name in archive.names if name.lower().endswith(WORKSPACE)]
        if len(workspaces) != 1:
            found = f"the archive of contours holds {len(workspaces)} workspaces"
            raise InvalidScanError("scan", found, f"one file *{WORKSPACE}")
        return read_workspace(archive.read(workspaces[0]))


def _write_phases(cine: ShortAxisCine, annotation: Annotation, folder: Path) -> tuple[str, ...]:
    _, rows, columns = cine.geometry.shape
    drawn = draw_labels(annotation, np.array(cine.uids), (rows, columns))
    for phase, frame in ((Phase.ED, drawn.ed), (Phase.ES, drawn.es)):
        files = phase_files(folder, phase)
        write_image(files.image, cine.frame(frame).astype(cine.stored_type), cine.geometry)
        if files.label is not None:
            write_label(files.label, drawn.labels[phase], cine.geometry)
    return drawn.problems


class UkbbParameters(Parameters):
    """How the archives are read.

    Attributes:
        cines: Whether whole cines are written too, also of participants without contours, for the pipeline
            ``predict``: about 10 MB each.
        workers: Archives that are converted at the same time; ``None`` for as many as there are CPUs.
    """

    cines: bool = False
    workers: int | None = Field(default=None, ge=1)


class Ukbb:
    """UK Biobank's short-axis cines.

    Attributes are those of :class:`~faircmr.sources.ukbb.participants.Demographics` and ``observer``, the pseudonym of
    who drew the contours. Labels are those of ukbb_cardiac: 1 LV blood pool, 2 LV myocardium, 3 RV blood pool.
    """

    parameters_type: ClassVar[type[Parameters]] = UkbbParameters
    label_values: Mapping[int, Structure] = MappingProxyType({int(structure): structure for structure in Structure})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data lie; nothing is read yet.

        Raises:
            InvalidParameterError: The parameters are of another source.
        """
        if not isinstance(parameters, UkbbParameters):
            raise InvalidParameterError("cohort parameters", type(parameters).__name__, "those of UK Biobank")
        self._root, self._parameters = root, parameters
        self._converted: Mapping[str, Converted] = {}

    def prepare(self, own: Path) -> None:
        """Convert the archives that have contours and are not converted yet.

        Args:
            own: Folder of the converted scans; nothing in it is named after a participant.

        Raises:
            InvalidCohortError: There are neither archives nor NIfTI, or a participant has two of one kind.
            OutputError: The folder cannot be written.
        """
        found = self._found
        if not found.scans and not found.images:
            raise no_scans_error(LAYOUT)
        others = found.without_contours()
        workers = worker_count(self._parameters.workers)
        converter = UkbbConverter(self._parameters.cines)
        acquisitions = found.contoured() + (others if self._parameters.cines else [])
        converted = convert_all(acquisitions, converter, own, workers) if acquisitions else {}
        self._converted = {eid: each for eid, each in converted.items() if eid in found.contours}

    def scan_files(self) -> SourceFiles:
        """Image and label of both phases of everybody who can be used."""
        left = self.rejected()
        converted = {
            eid: {phase: phase_files(each.folder, phase) for phase in Phase} for eid, each in self._converted.items()
        }
        everybody = {**converted, **self._found.scans}
        return {
            (eid, phase): files
            for eid, phases in everybody.items()
            if eid not in left
            for phase, files in phases.items()
        }

    def rejected(self) -> Mapping[str, Rejection]:
        """Participants whose archives cannot be converted, or whose table contradicts itself."""
        unreadable = {
            eid: Rejection(self._found.images[eid], each.record.reason)
            for eid, each in self._converted.items()
            if each.record.reason
        }
        contradictory = {
            eid: Rejection(self._first_file(eid), reason) for eid, reason in self._demographics.rejected.items()
        }
        return {**contradictory, **unreadable}

    def omissions(self) -> Sequence[Omission]:
        """Archives that are not used, what conversion put right, and rows and values of the tables."""
        return (*self._found.omissions(), *conversion_omissions(self._converted), *self._demographics.omissions())

    def attribute_files(self) -> Sequence[Path]:
        """The tables."""
        return self._tables

    def attributes(self) -> pd.DataFrame:
        """What the tables say of everybody who has images, and who drew the contours.

        Raises:
            InvalidCohortError: There is no table, or it lacks sex or ethnic background.
        """
        observers = {eid: each.record.notes.get(OBSERVER) for eid, each in self._converted.items()}
        attributes = self._demographics.attributes
        return attributes.assign(observer=attributes.index.map(observers).astype("str").astype("category"))

    def _first_file(self, eid: str) -> Path:
        scans = self._found.scans.get(eid)
        return scans[Phase.ED].image if scans else self._found.images[eid]

    @cached_property
    def _found(self) -> FoundFiles:
        return find_files(self._root)

    @cached_property
    def _tables(self) -> tuple[Path, ...]:
        return tables_among(self._found.texts)

    @cached_property
    def _demographics(self) -> Demographics:
        return read_tables(self._tables, {*self._found.scans, *self._converted})
