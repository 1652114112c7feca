"""What lies in a folder of UK Biobank's images, by participant, without opening anything.

Archives may lie in any folder, as bulk downloads and the Research Analysis Platform leave them: ``<eid>_20209_2_0.zip``
(field 20209, short-axis cines; 2 is the imaging visit, 3 the repeat visit) and ``<eid>_cvi42.zip`` (manual contours).
Scans that were converted before are folders ``<eid>/`` in the layout of ukbb_cardiac: ``sa_ED.nii.gz``,
``label_sa_ED.nii.gz``, ``sa_ES.nii.gz``, ``label_sa_ES.nii.gz``. Any of these may be links.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError
from faircmr.core.file_names import copies, has_suffix, is_nifti, nifti_by_stem
from faircmr.core.omissions import Omission
from faircmr.core.scan import ScanFiles
from faircmr.sources.conversion import Acquisition
from faircmr.sources.folders import FolderWalk, Listing, check_copies
from faircmr.sources.ukbb.tables import may_be_table

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
