"""A folder of scans that nobody has labelled: which files belong to which subject, by their names.

``<id>.nii.gz`` (also ``<id>_4d``, ``<id>_cine``) is a cine or a single volume; ``<id>_ED`` and ``<id>_ES``,
or ``<id>_frameNN``, are single frames of one subject. They lie in the folder or one level below, ``.nii``
or ``.nii.gz``; nnU-Net's suffix ``_0000`` is no part of a name. Labels among them are left alone.
"""

from __future__ import annotations

import logging
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from faircmr.core.anatomy import Phase
from faircmr.core.cine import Frame
from faircmr.core.errors import InvalidCohortError, InvalidScanError
from faircmr.sources.cines import read_cine

logger = logging.getLogger(__name__)

LAYOUT = "*.nii or *.nii.gz, there or one level below, 3-D or 4-D"
_IMAGE = re.compile(r"(?P<stem>[^.].*?)(?:_0000)?\.nii(?:\.gz)?", re.IGNORECASE)
_LABEL = re.compile(r"(?:^|[_.-])(?:gt|seg|segmentation|labels?(?:T[rs])?)(?=$|[_.-])", re.IGNORECASE)
_FRAME = re.compile(r"(?:(?P<id>.+)[_.-])?(?:(?P<phase>ED|ES)|frame[_-]?(?P<number>\d+)|4d|cine)", re.IGNORECASE)


@dataclass(frozen=True)
class ImageFile:
    """One file, as far as its name tells.

    Attributes:
        path: The file.
        phase: Phase that the name states.
        number: Number of the frame in the name. Without phase and number the file is a whole acquisition.
    """

    path: Path
    phase: Phase | None = None
    number: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the file is all there is of its subject."""
        return self.phase is None and self.number is None


def list_unlabelled(root: Path) -> dict[str, tuple[ImageFile, ...]]:
    """Files of every subject; none is opened.

    Args:
        root: The folder.

    Returns:
        Files by source id, sorted; frames in their order. Where a subject has a whole acquisition and
        single frames besides (as ACDC has), the frames are left out and counted in the log.

    Raises:
        InvalidCohortError: There is no scan, or two files are the same frame of one subject.
        OSError: The folder cannot be read.
    """
    found: defaultdict[str, list[ImageFile]] = defaultdict(list)
    for folder, path in _images(root) if root.is_dir() else ():
        source_id, image = _described(folder, path)
        found[source_id].append(image)
    if not found:
        raise InvalidCohortError(
            "predict_root", "no scans found there", LAYOUT, "set predict_root to the folder of the scans"
        )
    _check_unique(found.values())
    chosen = {source_id: _chosen(found[source_id]) for source_id in sorted(found)}
    left_out = sum(map(len, found.values())) - sum(map(len, chosen.values()))
    if left_out:
        logger.info("%d files are single frames of subjects that have a whole cine, and are left out", left_out)
    return chosen


def read_frames(files: Sequence[ImageFile], first_number: int) -> Iterator[Frame]:
    """Read the frames of one subject, one in memory at a time.

    Args:
        files: A whole acquisition, or single frames.
        first_number: Number that the names of this folder give to a cycle's first frame, 0 or 1.

    Raises:
        InvalidScanError: A file cannot be used; the offender is ``scan``.
    """
    for file in files:
        for index, scan in read_cine(file.path):
            if file.is_whole:
                yield Frame(index, None, scan)
                continue
            if index:
                raise InvalidScanError("scan", "several frames in a file that is named as one", "a 3-D file a frame")
            yield Frame(None if file.number is None else file.number - first_number, file.phase, scan)


def first_number(files: Iterable[Sequence[ImageFile]]) -> int:
    """Where the names of a folder's frames begin to count: at 1, as ACDC's, unless one is numbered 0."""
    return min([1, *(file.number for each in files for file in each if file.number is not None)])


def _images(root: Path) -> Iterator[tuple[str, Path]]:
    """Name of the folder below the root, if any, and path of every file that is named as an image."""
    for entry in sorted(os.scandir(root), key=lambda each: each.name):
        if entry.is_dir():
            if not entry.name.startswith(".") and _LABEL.search(entry.name) is None:
                yield from ((entry.name, path) for path in sorted(Path(entry.path).iterdir()) if _is_image(path))
        elif _is_image(Path(entry.path)):
            yield "", Path(entry.path)


def _is_image(path: Path) -> bool:
    match = _IMAGE.fullmatch(path.name)
    return match is not None and _LABEL.search(match["stem"]) is None and path.is_file()


def _described(folder: str, path: Path) -> tuple[str, ImageFile]:
    match = _IMAGE.fullmatch(path.name)
    stem = match["stem"] if match else path.name
    frame = _FRAME.fullmatch(stem)
    if frame is None:
        return _source_id(folder, stem), ImageFile(path)
    phase = Phase(frame["phase"].upper()) if frame["phase"] else None
    number = int(frame["number"]) if frame["number"] else None
    return _source_id(folder, frame["id"] or "") or stem, ImageFile(path, phase, number)


def _source_id(folder: str, name: str) -> str:
    # sub/sub_frame01 is of sub, sub/sa is of sub_sa: the same name elsewhere is somebody else
    if name == folder or re.match(rf"{re.escape(folder)}[_.-]", name) or not folder:
        return name
    return f"{folder}_{name}" if name else folder


def _check_unique(subjects: Iterable[Sequence[ImageFile]]) -> None:
    repeated = sum(
        count > 1 for files in subjects for count in Counter((file.phase, file.number) for file in files).values()
    )
    if repeated:
        raise InvalidCohortError(
            "predict_root", f"{repeated} scans stand there twice", "each scan once", "remove or rename one of the two"
        )


def _chosen(files: Sequence[ImageFile]) -> tuple[ImageFile, ...]:
    whole = tuple(file for file in files if file.is_whole)
    # ED before ES before numbers
    return whole or tuple(sorted(files, key=lambda file: (file.phase or "frame", file.number or 0)))
