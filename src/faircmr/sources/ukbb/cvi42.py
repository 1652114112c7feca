"""Manual contours drawn in cvi42 (Circle Cardiovascular Imaging), as UK Biobank returned them.

Everything is an ``<item>`` that says by an attribute ``key`` what it is: ``ImageStates`` holds one item an image,
keyed by its SOPInstanceUID; ``Contours`` in it one item a contour, keyed by its name; in this ``Points`` lists items
of ``x`` and ``y``, and ``SubpixelResolution`` is what to divide them by. ``OwnerUserName`` is who drew.

Source: ukbb_cardiac (Bai et al.), ``data/parse_cvi42_xml.py`` and ``data/convert_data_ukbb2964.py``.

The right ventricle is filled first, then the epicardium over it and the endocardium over that: blood pool inside the
endocardium, myocardium between the two, right ventricle where no left one is.

Source: ukbb_cardiac (Bai et al.), ``data/biobank_utils.py`` and ``data/prepare_data_ukbb2964.py``. It differs in two
things: its labels include the contour's own samples, and its end systole is the frame with the smallest sum of label
values, in which the right ventricle counts three times and the myocardium twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidScanError
from faircmr.core.scans import LabelImage, Phase, Structure
from faircmr.sources import (
    FEWEST_POINTS,
    FloatArray,
    checked_contour,
    coverage,
    crosses_itself,
    is_open,
    mask_from_coverage,
    reaches_outside,
)

LARGEST = 32 * 2**20
"""Bytes; workspaces have some millions."""
MOST_MARKS = 1_500_000
"""``<`` and ``=``, of which every element and attribute needs one; the contours of two phases have some 170,000."""
DEEPEST = 64
"""Elements within each other; a point lies about ten deep."""


class Boundary(StrEnum):
    """What a contour follows; the value begins its names in a workspace."""

    ENDOCARDIUM = "saendocardial"
    """Of the left ventricle."""
    EPICARDIUM = "saepicardial"
    """Of the left ventricle."""
    RV_ENDOCARDIUM = "sarvendocardial"
    """Of the right ventricle."""


CLOSED, OPEN = "Contour", "OpenContour"
"""Ends of the names."""
BOUNDARIES: Mapping[str, Boundary] = MappingProxyType(
    {f"{boundary}{end}": boundary for boundary in Boundary for end in (CLOSED, OPEN)}
)


@dataclass(frozen=True)
class Contour:
    """One contour of one image.

    Attributes:
        boundary: What it follows.
        points: x and y in pixels, shape (points, 2); see :mod:`faircmr.sources.contours`.
        drawn_open: Its name says that it is not closed.
    """

    boundary: Boundary
    points: FloatArray = field(repr=False)
    drawn_open: bool = False


@dataclass(frozen=True)
class Annotation:
    """What one person drew on one subject's short-axis images.

    Attributes:
        contours: Contours of each image, by SOPInstanceUID.
        observer: Who drew, as it stands in the file: a person's name, to be hashed before it is kept.
    """

    contours: Mapping[str, tuple[Contour, ...]] = field(repr=False)
    observer: str | None = field(repr=False)


def read_workspace(content: bytes) -> Annotation:
    """Read the short-axis contours of a workspace.

    Contours without points are passed over; of two contours of one name on one image the later counts.

    Args:
        content: The ``.cvi42wsx`` file.

    Raises:
        InvalidScanError: The file is too large, nested too deeply, no well-formed XML, declares a document type or
            entities; a contour has coordinates that are no numbers, or no resolution; there is no contour.
    """
    # counted beforehand, because the parser takes up to 10 microseconds for each
    marks = content.count(b"<") + content.count(b"=")
    if len(content) > LARGEST or marks > MOST_MARKS:
        permitted = f"at most {LARGEST} bytes, and {MOST_MARKS} of < and = together"
        raise _workspace_error(f"it has {len(content)} bytes, of which {marks} begin something", permitted)
    workspace = _parsed(content)
    if not workspace.contours:
        raise _workspace_error("it holds no short-axis contour", f"contours named {', '.join(BOUNDARIES)}")
    contours = {uid: tuple(named.values()) for uid, named in workspace.contours.items()}
    return Annotation(MappingProxyType(contours), workspace.observer)


def _parsed(content: bytes) -> _Workspace:
    from defusedxml.ElementTree import ParseError, XMLParser

    workspace = _Workspace()
    try:
        parser = XMLParser(target=workspace, forbid_dtd=True)
        parser.feed(content)
        parser.close()
    except (ParseError, ValueError, LookupError):
        # what the parser says quotes the document; LookupError is an encoding that nobody knows
        found = "it is damaged, declares a document type, or has coordinates that are no numbers"
        raise _workspace_error(found, "well-formed XML, as cvi42 exports it") from None
    return workspace


class _Workspace:
    """Takes what the parser meets, and keeps nothing but contours: no tree is built."""

    def __init__(self) -> None:
        self.contours: dict[str, dict[str, Contour]] = {}
        self.observer: str | None = None
        self._path: list[str] = []
        self._text: list[str] = []
        self._x: list[str] = []
        self._y: list[str] = []
        self._resolution = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins; its place is called by its key, or by its tag where it has none."""
        keys = (value for name, value in attributes.items() if _local_name(name) == "key")
        self._path.append(next(keys, _local_name(tag)))
        self._text.clear()
        if len(self._path) > DEEPEST:
            raise _workspace_error("it is nested too deeply", f"at most {DEEPEST} elements within each other")

    def data(self, text: str) -> None:
        """Some text of the element that began last."""
        self._text.append(text)

    def end(self, tag: str) -> None:
        """An element ends."""
        text = "".join(self._text).strip()
        match self._path:
            case [*_, "OwnerUserName"]:
                self.observer = self.observer or text or None
            case [*_, "Contours", _, "Points", _, "x"]:
                self._x.append(text)
            case [*_, "Contours", _, "Points", _, "y"]:
                self._y.append(text)
            case [*_, "Contours", _, "SubpixelResolution"]:
                self._resolution = text
            case [*_, "ImageStates", uid, "Contours", name]:
                self._keep_contour(uid, name)
                self._forget_contour()
            case [*_, "Contours", _]:
                self._forget_contour()
        self._path.pop()
        self._text.clear()

    def _keep_contour(self, uid: str, name: str) -> None:
        if name not in BOUNDARIES or not (self._x or self._y):
            return
        resolution = float(self._resolution or "nan")
        if not 0 < resolution < np.inf or len(self._x) != len(self._y):
            raise _workspace_error(
                "a contour has no resolution, or points without x or y", "contours as cvi42 exports them"
            )
        points = checked_contour(np.array([self._x, self._y], dtype=np.float64).T / resolution)
        contour = Contour(BOUNDARIES[name], points, drawn_open=name.endswith(OPEN))
        self.contours.setdefault(uid, {})[name] = contour

    def _forget_contour(self) -> None:
        self._x.clear()
        self._y.clear()
        self._resolution = ""


def _local_name(name: str) -> str:
    """Name without its namespace."""
    return name.rpartition("}")[2]


def _workspace_error(found: str, permitted: str) -> InvalidScanError:
    return InvalidScanError("scan", f"the cvi42 workspace cannot be used: {found}", permitted, "export it again")


Uids = npt.NDArray[np.str_] | npt.NDArray[np.object_]
Problems = Counter[str]
ED_FRAME = 0
"""The scanner is triggered by the R wave."""
FILLED: tuple[tuple[Boundary, Structure], ...] = (
    (Boundary.RV_ENDOCARDIUM, Structure.RVBP),
    (Boundary.EPICARDIUM, Structure.LVM),
    (Boundary.ENDOCARDIUM, Structure.LVBP),
)
"""What is filled over what, from the first to the last."""
CROSSING = 0.5
"""Area of an endocardium outside its epicardium, in pixels, from which on the two cross: less changes no label."""


@dataclass(frozen=True)
class DrawnLabels:
    """Both labelled phases of one subject.

    Attributes:
        ed: Frame of end diastole, from 0.
        es: Frame of end systole.
        labels: Values of :class:`~faircmr.core.scans.Structure` and 0, shape (slices, rows, columns), by phase.
        problems: What is odd about the contours, and how often; nothing in them names anyone.
    """

    ed: int
    es: int
    labels: Mapping[Phase, LabelImage] = field(repr=False)
    problems: tuple[str, ...] = ()


def draw_labels(annotation: Annotation, uids: Uids, shape: tuple[int, int]) -> DrawnLabels:
    """Fill the contours of end diastole and end systole.

    End diastole is the first frame. End systole is the other frame that is annotated; of several, the one with the
    smallest labelled area. A frame that lacks a structure in all of its slices is incomplete and left out; a slice
    may lack any. Contours are drawn as they are, open ones closed by a straight line, and what is odd about those of
    the two frames is told.

    Args:
        annotation: The contours.
        uids: SOPInstanceUID of every image, shape (slices, phases).
        shape: Rows and columns of the images.

    Raises:
        InvalidScanError: No contour belongs to any of these images; the first frame is not annotated or incomplete;
            no other frame is annotated and complete.
    """
    frames, problems = _contours_by_frame(annotation, uids)
    drawn = {frame: _frame(slices, (len(uids), *shape)) for frame, slices in frames.items()}
    es, told = _end_systole({frame: label for frame, (label, _) in drawn.items()})
    labels = {Phase.ED: drawn[ED_FRAME][0], Phase.ES: drawn[es][0]}
    problems.update(told)
    for frame in (ED_FRAME, es):
        problems.update(drawn[frame][1])
    counted = tuple(f"{problem}: {count}" for problem, count in problems.items())
    return DrawnLabels(ED_FRAME, es, MappingProxyType(labels), counted)


def _contours_by_frame(annotation: Annotation, uids: Uids) -> tuple[dict[int, dict[int, Sequence[Contour]]], Problems]:
    """Contours of each frame and slice, and how many images with contours are not among these."""
    places = {str(uid): place for place, uid in np.ndenumerate(uids)}
    frames: dict[int, dict[int, Sequence[Contour]]] = {}
    for uid, contours in annotation.contours.items():
        if uid in places:
            slice_index, frame = places[uid]
            frames.setdefault(frame, {})[slice_index] = contours
    astray = len(annotation.contours.keys() - places.keys())
    if not frames:
        raise _contours_error(
            f"none of {astray} contoured images is among the short-axis images", "contours of images that are there"
        )
    return frames, Counter({"contoured images that are not among the short-axis images": astray} if astray else {})


def _end_systole(labels: Mapping[int, LabelImage]) -> tuple[int, Problems]:
    """Frame of end systole, and what had to be decided to find it."""
    if ED_FRAME not in labels:
        raise _contours_error(
            "the first frame, end diastole, has no contours", "contours at end diastole and end systole"
        )
    complete = {frame for frame, label in labels.items() if set(Structure) <= set(np.unique(label))}
    if ED_FRAME not in complete:
        raise _contours_error(
            "end diastole lacks a structure", "all of " + ", ".join(member.name for member in Structure)
        )
    others = sorted(complete - {ED_FRAME})
    incomplete = len(labels) - len(complete)
    if not others:
        found = f"no frame but the first has every structure ({incomplete} incomplete)"
        raise _contours_error(found, "contours of every structure at end systole too")
    told: Problems = Counter()
    if incomplete:
        told["annotated frames left out because they lack a structure"] = incomplete
    if len(others) > 1:
        told["frames annotated beside end diastole, of which the one with the smallest area is taken"] = len(others)
    return min(others, key=lambda frame: np.count_nonzero(labels[frame])), told


def _frame(slices: Mapping[int, Sequence[Contour]], shape: tuple[int, int, int]) -> tuple[LabelImage, Problems]:
    label = np.zeros(shape, dtype=np.uint8)
    problems: Problems = Counter()
    for index, contours in slices.items():
        label[index], found = _slice(contours, shape[1:])
        problems.update(found)
    shown = np.flatnonzero(label.any(axis=(1, 2)))
    gaps = int(np.ptp(shown)) + 1 - len(shown) if len(shown) else 0
    if gaps:
        problems["unlabelled slices between labelled ones"] = gaps
    return label, problems


def _slice(contours: Sequence[Contour], shape: tuple[int, int]) -> tuple[LabelImage, Problems]:
    whole = [contour for contour in contours if len(contour.points) >= FEWEST_POINTS]
    shares = {boundary: _coverage(boundary, whole, shape) for boundary, _ in FILLED}
    label = np.zeros(shape, dtype=np.uint8)
    for boundary, structure in FILLED:
        label[mask_from_coverage(shares[boundary])] = structure
    problems = Counter(problem for contour in whole for problem in _problems(contour, shape))
    problems[f"contours of fewer than {FEWEST_POINTS} points, left out"] = len(contours) - len(whole)
    problems.update(_wall_problems(shares[Boundary.ENDOCARDIUM], shares[Boundary.EPICARDIUM]))
    # a counter keeps what was counted as 0
    return label, +problems


def _coverage(boundary: Boundary, contours: Sequence[Contour], shape: tuple[int, int]) -> FloatArray:
    """Share of each pixel inside the contours of one boundary, of which an image may have several."""
    shares = np.zeros(shape)
    for contour in contours:
        if contour.boundary is boundary:
            shares = np.maximum(shares, coverage(contour.points, shape))
    return shares


def _problems(contour: Contour, shape: tuple[int, int]) -> list[str]:
    found = {
        "open contours, closed by a straight line": contour.drawn_open or is_open(contour.points),
        "contours that cross themselves": crosses_itself(contour.points, shape),
        "contours that leave the image": reaches_outside(contour.points, shape),
    }
    return [problem for problem, present in found.items() if present]


def _wall_problems(endocardium: FloatArray, epicardium: FloatArray) -> list[str]:
    """What is odd about the two contours of one slice; where there is one only, some of the wall is missing."""
    if not endocardium.any():
        return ["slices with an epicardium and no endocardium"] if epicardium.any() else []
    if not epicardium.any():
        return ["slices with an endocardium and no epicardium"]
    outside = np.maximum(endocardium - epicardium, 0.0).sum()
    return ["endocardia that cross their epicardium"] if outside >= CROSSING else []


def _contours_error(found: str, permitted: str) -> InvalidScanError:
    return InvalidScanError("scan", f"the manual contours cannot be used: {found}", permitted, "annotate it again")
