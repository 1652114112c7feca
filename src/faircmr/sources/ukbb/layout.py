"""How a UK Biobank table is laid out: its separator, and which column holds which field of which visit.

Sources: UK Biobank's data access guide, "The structure of a main dataset" (``f.31.0.0``, ``31-0.0``), and
DNAnexus' documentation of the Research Analysis Platform's Table Exporter (``p31``, ``p21000_i0``; its
header style ``UKB-FORMAT`` is ``31-0.0``).
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from faircmr.core.errors import InvalidCohortError
from faircmr.sources.ukbb.fields import NEEDED

TABLE = "UK Biobank table"
FORMS = "columns named f.31.0.0, 31-0.0 or p31 (p21000_i0 where a field has instances)"
LONGEST_HEADER = 2**21
"""Bytes; a table of every field has a header of less than one million of them."""
SEPARATORS = "\t,;"
NUL = b"\0"

_PARTICIPANT = re.compile(r"(?:f\.|participant\.)?eid")
_FIELD = re.compile(
    r"f\.(?P<tab>[0-9]{1,6})\.(?P<tab_visit>[0-9]{1,2})\.0"
    r"|(?P<csv>[0-9]{1,6})-(?P<csv_visit>[0-9]{1,2})\.0"
    r"|(?:participant\.)?p(?P<rap>[0-9]{1,6})(?:_i(?P<rap_visit>[0-9]{1,2}))?(?:_a0)?"
)

FieldAtVisit = tuple[int, int]
"""Number of a field and of the instance."""


@dataclass(frozen=True)
class Layout:
    """Where the values of a table stand.

    Attributes:
        separator: Between two cells.
        width: Cells of a row.
        participant: Position of the participant's id.
        values: Position of each needed field at each visit.
    """

    separator: str
    width: int
    participant: int
    values: Mapping[FieldAtVisit, int]


def read_layout(path: Path) -> Layout | None:
    """Read the header of a file.

    Args:
        path: Text, or text that gzip has compressed (``.gz``).

    Returns:
        ``None`` where the file is no table of UK Biobank: no header, or none with a column ``eid``,
        ``f.eid`` or ``participant.eid``.

    Raises:
        InvalidCohortError: It is such a table, but in UTF-16, or two columns hold one field of one visit.
    """
    line = _first_line(path)
    # in UTF-16 every other byte of these names is 0, whichever comes first
    layout = _layout(line.replace(NUL, b""))
    if layout is not None and NUL in line:
        raise InvalidCohortError(TABLE, "text in UTF-16", "UTF-8, Latin-1 or Windows-1252", "save it again as UTF-8")
    return layout


def _first_line(path: Path) -> bytes:
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            return file.readline(LONGEST_HEADER)
    except (OSError, EOFError, zlib.error):
        return b""


def _layout(line: bytes) -> Layout | None:
    for mark in (BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE):
        line = line.removeprefix(mark)
    # no byte is wrong in Latin-1, and the names that matter are ASCII in every encoding
    text = line.decode("latin-1").partition("\r")[0].rstrip("\n")
    for separator in SEPARATORS:
        names = [name.strip() for name in _cells(text, separator)]
        for position, name in enumerate(names):
            if _PARTICIPANT.fullmatch(name):
                return Layout(separator, len(names), position, _positions(names))
    return None


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _positions(names: list[str]) -> dict[FieldAtVisit, int]:
    found: dict[FieldAtVisit, int] = {}
    for position, name in enumerate(names):
        match = _FIELD.fullmatch(name)
        if match is None:
            continue
        field, visit = _numbers(match)
        if field not in NEEDED:
            continue
        if (field, visit) in found:
            raise InvalidCohortError(
                TABLE, f"two columns of field {field}, instance {visit}", "one column each", "remove one of them"
            )
        found[field, visit] = position
    return found


def _numbers(match: re.Match[str]) -> FieldAtVisit:
    field = match["tab"] or match["csv"] or match["rap"]
    # the platform leaves the instance out where a field has only one
    return int(field), int(match["tab_visit"] or match["csv_visit"] or match["rap_visit"] or 0)
