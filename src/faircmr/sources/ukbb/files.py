"""What lies in a folder of UK Biobank's images, by participant, without opening anything.

Archives may lie in any folder, as bulk downloads and the Research Analysis Platform leave them: ``<eid>_20209_2_0.zip``
(field 20209, short-axis cines; 2 is the imaging visit, 3 the repeat visit) and ``<eid>_cvi42.zip`` (manual contours).
Scans that were converted before are folders ``<eid>/`` in the layout of ukbb_cardiac: ``sa_ED.nii.gz``,
``label_sa_ED.nii.gz``, ``sa_ES.nii.gz``, ``label_sa_ES.nii.gz``.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError
from faircmr.core.omissions import Omission
from faircmr.core.scan import ScanFiles
from faircmr.sources.conversion import Acquisition

LAYOUT = "archives <eid>_20209_2_0.zip with <eid>_cvi42.zip, or folders <eid>/ with sa_ED.nii.gz and label_sa_ED.nii.gz"
IMAGES = re.compile(r"(?P<eid>\d+)_20209_(?P<visit>\d)_(?P<repeat>\d+)\.zip", re.IGNORECASE)
CONTOURS = re.compile(r"(?P<eid>\d+)_cvi42\.zip", re.IGNORECASE)
DEEPEST = 4
"""Levels of folders below the root that are looked into."""


@dataclass(frozen=True)
class FoundFiles:
    """Files of all participants, by their ids.

    Attributes:
        scans: Files of both phases of those who have NIfTI.
        images: Archive of the earliest imaging visit of the others.
        contours: Archive of the contours, of anybody.
        archives: How many archives of images there are, those of later visits and of those who have NIfTI among them.
    """

    scans: Mapping[str, Mapping[Phase, ScanFiles]]
    images: Mapping[str, Path]
    contours: Mapping[str, Path]
    archives: int = 0

    def contoured(self) -> list[Acquisition]:
        """Archives of images with their contours."""
        both = sorted(self.images.keys() & self.contours.keys())
        return [Acquisition(eid, (self.images[eid], self.contours[eid])) for eid in both]

    def without_contours(self) -> list[Acquisition]:
        """Archives of images that nobody has drawn on."""
        return [Acquisition(eid, (self.images[eid],)) for eid in sorted(self.images.keys() - self.contours.keys())]

    def omissions(self) -> list[Omission]:
        """Archives that no scan of the study is made of, by reason."""
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
        return [
            Omission(what, count, total, reason)
            for what, (counts, total) in counted.items()
            for reason, count in counts.items()
            if count
        ]


def find_files(root: Path) -> FoundFiles:
    """List a folder and those below it.

    Raises:
        InvalidCohortError: Two folders, or two archives of the same visit or of contours, are of one participant.
    """
    folders: list[Path] = []
    images: list[tuple[str, str, Path]] = []
    contours: list[tuple[str, Path]] = []
    for folder, names in _walk(root):
        if any(f"sa_{phase}.nii.gz" in names for phase in Phase):
            folders.append(folder)
            continue
        images += [
            (match["eid"], f"{match['visit']}_{match['repeat']}", folder / match[0]) for match in _named(IMAGES, names)
        ]
        contours += [(match["eid"], folder / match[0]) for match in _named(CONTOURS, names)]
    _check_once("folders of scans", Counter(folder.name for folder in folders))
    _check_once("archives of the same visit", Counter((eid, visit) for eid, visit, _ in images))
    _check_once("archives of contours", Counter(eid for eid, _ in contours))
    scans = {folder.name: _phases(folder) for folder in folders}
    return FoundFiles(scans, _earliest(images, scans), dict(contours), len(images))


def phase_files(folder: Path, phase: Phase) -> ScanFiles:
    """Image and label of one phase in the layout of ukbb_cardiac."""
    return ScanFiles(folder / f"sa_{phase}.nii.gz", folder / f"label_sa_{phase}.nii.gz")


def _phases(folder: Path) -> Mapping[Phase, ScanFiles]:
    files = {phase: phase_files(folder, phase) for phase in Phase}
    return {
        phase: each if each.label is not None and each.label.exists() else ScanFiles(each.image)
        for phase, each in files.items()
    }


def _earliest(images: list[tuple[str, str, Path]], scans: Mapping[str, object]) -> Mapping[str, Path]:
    """The first visit's archive of everybody who has no NIfTI."""
    return {eid: path for eid, _, path in sorted(images, reverse=True) if eid not in scans}


def _walk(root: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    for place, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(Path(place).relative_to(root).parts) >= DEEPEST:
            folders.clear()
        yield Path(place), frozenset(names)


def _named(pattern: re.Pattern[str], names: frozenset[str]) -> list[re.Match[str]]:
    return [match for match in map(pattern.fullmatch, sorted(names)) if match is not None]


def _check_once(what: str, counts: Mapping[object, int]) -> None:
    repeated = sum(count > 1 for count in counts.values())
    if repeated:
        raise InvalidCohortError(
            "source_root", f"{repeated} participants have two {what}", "one of each", "remove or move the others"
        )
