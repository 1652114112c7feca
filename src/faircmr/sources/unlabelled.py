"""A folder of scans that nobody has labelled: which files are short-axis images, and of which subject.

``<id>.nii.gz`` (also ``<id>_4d``, ``<id>_cine``) is a cine or a single volume; ``<id>_ED`` and ``<id>_ES``,
or ``<id>_frameNN``, are single frames of one subject. They are in the folder or below it, ``.nii`` or ``.nii.gz`` in
any case; nnU-Net's suffix ``_0000`` is no part of a name. What names tell to be something else than a short-axis image
(:mod:`faircmr.sources.short_axis`) is left out with its reason. An image whose name states no view is looked at when it
is read.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from faircmr.core.anatomy import Phase
from faircmr.core.cine import Frame
from faircmr.core.errors import InvalidCohortError, InvalidScanError
from faircmr.core.file_names import nifti_stem
from faircmr.core.omissions import Omission
from faircmr.core.reading import DEFAULT_READING, ReadingParameters
from faircmr.sources.cines import read_cine
from faircmr.sources.folders import FolderWalk, Listing
from faircmr.sources.short_axis import (
    check_intensities,
    check_stack,
    further_channels,
    is_named_short_axis,
    rejection_by_name,
)

SETTING = "predict_root"
LAYOUT = "*.nii or *.nii.gz there or in folders below, 3-D or 4-D"
DEEPEST = 16
"""Levels of folders below the root that are looked into: no data set is as deep, and links may lead anywhere."""
CHANNEL = "a further channel (_0001, _0002, ...) of an image whose first channel is taken"
FRAME = "a single frame of a subject that has a whole cine"
NO_NIFTI = "not called .nii or .nii.gz; convert DICOM and others first, for example with dcm2niix"
_FIRST_CHANNEL = re.compile(r"(.+?)_0000")
_FRAME = re.compile(r"(?:(?P<id>.+)[_.-])?(?:(?P<phase>ED|ES)|frame[_-]?(?P<number>\d+)|4d|cine)", re.IGNORECASE)


@dataclass(frozen=True)
class ImageFile:
    """One file, as far as its name tells.

    Attributes:
        path: The file.
        phase: Phase that the name states.
        number: Number of the frame in the name. Without phase and number the file is a whole acquisition.
        short_axis: Whether a name says that it is short axis. If not, slices and spacing have to.
    """

    path: Path
    phase: Phase | None = None
    number: int | None = None
    short_axis: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the file is all there is of its subject."""
        return self.phase is None and self.number is None


@dataclass(frozen=True)
class FoundScans:
    """What a folder holds; nothing is opened.

    Attributes:
        subjects: Files by source id, sorted; frames in their order.
        left_out: Why files are of no subject, by path, sorted.
        omissions: What was counted only.
    """

    subjects: Mapping[str, tuple[ImageFile, ...]]
    left_out: Mapping[Path, str]
    omissions: tuple[Omission, ...]

    @property
    def files(self) -> int:
        """Number of NIfTI files."""
        return sum(map(len, self.subjects.values())) + len(self.left_out)


def list_unlabelled(root: Path) -> FoundScans:
    """Files of every subject, and the files that are of none.

    Args:
        root: The folder.

    Returns:
        Where a subject has a whole acquisition and single frames as well (as ACDC has), the frames are left out.

    Raises:
        InvalidCohortError: There is no scan, or two files are the same frame of one subject.
        OSError: The folder cannot be read.
    """
    found: defaultdict[str, list[ImageFile]] = defaultdict(list)
    left_out: dict[Path, str] = {}
    others = 0
    walk = FolderWalk(root, DEEPEST)
    for listing in walk:
        folders = listing.path.relative_to(root).parts
        stems = {name: stem for name in sorted(listing.files) if (stem := nifti_stem(name)) is not None}
        others += len(listing.files) - len(stems)
        rejections = _rejections(listing, folders, stems)
        left_out |= rejections
        for name, stem in stems.items():
            if listing.path / name not in rejections:
                source_id, image = _described(listing.path / name, stem, folders)
                found[source_id].append(image)
    if not found:
        raise _no_scans(left_out)
    _check_unique(found.values())
    chosen = {source_id: _chosen(found[source_id]) for source_id in sorted(found)}
    taken = {file.path for files in chosen.values() for file in files}
    left_out |= {file.path: FRAME for files in found.values() for file in files if file.path not in taken}
    counted = (Omission("files", others, None, NO_NIFTI),) if others else ()
    return FoundScans(chosen, dict(sorted(left_out.items())), (*counted, *walk.omissions(SETTING)))


def read_frames(
    files: Sequence[ImageFile], first_number: int, reading: ReadingParameters = DEFAULT_READING
) -> Iterator[Frame]:
    """Read the frames of one subject, one in memory at a time.

    Args:
        files: A whole acquisition, or single frames.
        first_number: Number that the names of this folder give to a cycle's first frame, 0 or 1.
        reading: Limits of the spacing.

    Raises:
        InvalidScanError: A file cannot be used, or is no short-axis image; the offender is ``scan``.
    """
    for file in files:
        for place, (index, scan) in enumerate(read_cine(file.path, reading)):
            if not place:
                # of one frame: all others have the same grid, and are not looked through in vain
                check_intensities(scan.image)
                if not file.short_axis:
                    check_stack(scan.geometry)
            if file.is_whole:
                yield Frame(index, None, scan)
                continue
            if index:
                raise InvalidScanError("scan", "several frames in a file that is named as one", "a 3-D file a frame")
            yield Frame(None if file.number is None else file.number - first_number, file.phase, scan)


def first_number(files: Iterable[Sequence[ImageFile]]) -> int:
    """Where the names of a folder's frames begin to count: at 1, as ACDC's, unless one is numbered 0."""
    return min([1, *(file.number for each in files for file in each if file.number is not None)])


def _rejections(listing: Listing, folders: Sequence[str], stems: Mapping[str, str]) -> dict[Path, str]:
    """Files of one folder that are left out by their names, with the reason."""
    channels = further_channels(stems.values())
    reasons = {
        name: CHANNEL if stem in channels else rejection_by_name([_without_channel(stem), *reversed(folders)])
        for name, stem in stems.items()
    }
    return {listing.path / name: reason for name, reason in reasons.items() if reason}


def _described(path: Path, stem: str, folders: Sequence[str]) -> tuple[str, ImageFile]:
    """Source id, and what else the name says."""
    name = _without_channel(stem)
    short_axis = is_named_short_axis([name, *reversed(folders)])
    frame = _FRAME.fullmatch(name)
    if frame is None:
        return _source_id(folders, name), ImageFile(path, short_axis=short_axis)
    phase = Phase(frame["phase"].upper()) if frame["phase"] else None
    number = int(frame["number"]) if frame["number"] else None
    return _source_id(folders, frame["id"] or "") or name, ImageFile(path, phase, number, short_axis)


def _without_channel(stem: str) -> str:
    match = _FIRST_CHANNEL.fullmatch(stem)
    return match[1] if match else stem


def _source_id(folders: Sequence[str], name: str) -> str:
    # sub/sub_frame01 is of sub, sub/sa is of sub_sa: the same name elsewhere is another subject
    for folder in reversed(folders):
        if name != folder and not re.match(rf"{re.escape(folder)}[_.-]", name):
            name = f"{folder}_{name}" if name else folder
    return name


def _no_scans(left_out: Mapping[Path, str]) -> InvalidCohortError:
    if not left_out:
        return InvalidCohortError(
            SETTING, "no scans found there", LAYOUT, "set predict_root to the folder of the scans"
        )
    reasons = Counter(left_out.values()).most_common()
    return InvalidCohortError(
        SETTING,
        f"none of {len(left_out)} files there is a short-axis image",
        "; ".join(f"{count}: {reason}" for reason, count in reasons),
        "set predict_root to the folder of the short-axis scans, or give them names with sa, sax or short_axis",
    )


def _check_unique(subjects: Iterable[Sequence[ImageFile]]) -> None:
    repeated = sum(
        count > 1 for files in subjects for count in Counter((file.phase, file.number) for file in files).values()
    )
    if repeated:
        raise InvalidCohortError(
            SETTING, f"{repeated} scans are there twice", "each scan once", "remove or rename one of the two"
        )


def _chosen(files: Sequence[ImageFile]) -> tuple[ImageFile, ...]:
    whole = tuple(file for file in files if file.is_whole)
    # ED before ES before numbers
    return whole or tuple(sorted(files, key=lambda file: (file.phase or "frame", file.number or 0)))
