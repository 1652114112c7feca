"""Contours in a cvi42 workspace: a ``.cvi42wsx`` file, which is XML.

Everything is an ``<item>`` that says by an attribute ``key`` what it is: ``ImageStates`` holds one item an image,
keyed by its SOPInstanceUID; ``Contours`` in it one item a contour, keyed by its name; in this ``Points`` lists items
of ``x`` and ``y``, and ``SubpixelResolution`` is what to divide them by. ``OwnerUserName`` is who drew.

Source: ukbb_cardiac (Bai et al.), ``data/parse_cvi42_xml.py`` and ``data/convert_data_ukbb2964.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from faircmr.core.errors import InvalidScanError
from faircmr.sources.contours import FloatArray, drawable

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
        raise _refused(f"it has {len(content)} bytes, of which {marks} begin something", permitted)
    workspace = _parsed(content)
    if not workspace.contours:
        raise _refused("it holds no short-axis contour", f"contours named {', '.join(BOUNDARIES)}")
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
        raise _refused(found, "well-formed XML, as cvi42 exports it") from None
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
        keys = (value for name, value in attributes.items() if _local(name) == "key")
        self._path.append(next(keys, _local(tag)))
        self._text.clear()
        if len(self._path) > DEEPEST:
            raise _refused("it is nested too deeply", f"at most {DEEPEST} elements within each other")

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
            raise _refused("a contour has no resolution, or points without x or y", "contours as cvi42 exports them")
        points = drawable(np.array([self._x, self._y], dtype=np.float64).T / resolution)
        contour = Contour(BOUNDARIES[name], points, drawn_open=name.endswith(OPEN))
        self.contours.setdefault(uid, {})[name] = contour

    def _forget_contour(self) -> None:
        self._x.clear()
        self._y.clear()
        self._resolution = ""


def _local(name: str) -> str:
    """Name without its namespace."""
    return name.rpartition("}")[2]


def _refused(found: str, permitted: str) -> InvalidScanError:
    return InvalidScanError("scan", f"the cvi42 workspace cannot be used: {found}", permitted, "export it again")
