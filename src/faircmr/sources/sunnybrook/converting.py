"""DICOM images and contours of one Sunnybrook subject made into the scans of end diastole and end systole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.errors import InvalidScanError
from faircmr.core.files import check_is_file
from faircmr.core.scan import LabelImage, ScanFiles
from faircmr.sources.contours import Mask, fill, read_points
from faircmr.sources.conversion import Acquisition, Outcome
from faircmr.sources.dicom.cine import ShortAxisCine, build_cine
from faircmr.sources.dicom.reading import read_frame
from faircmr.sources.nifti import write_image, write_label
from faircmr.sources.sunnybrook.files import CONTOUR, IMAGE, contour_number, is_outer

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
