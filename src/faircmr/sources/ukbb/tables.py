"""Read the needed fields of a UK Biobank table in any of its layouts, and decode their values.

Source: UK Biobank Showcase, https://biobank.ndph.ox.ac.uk/showcase.

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
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from faircmr.core import InvalidCohortError
from faircmr.core.user_input import MISSING_IN_NUMBERS, MISSING_IN_TEXT, read_numbers

SEX = 31
CENTRE = 54
"""Assessment centre that was visited."""
ETHNIC_BACKGROUND = 21000
AGE = 21003
"""Years at the visit."""
BMI = 21001
"""kg/m2, from height and weight of the same visit."""
HEIGHT = (50, 12144)
"""Centimetres: standing height, and the height noted before imaging."""
WEIGHT = (21002, 12143)
"""Kilograms: the weight of :data:`BMI`, and the weight noted before imaging."""

TEXTS = (SEX, CENTRE, ETHNIC_BACKGROUND)
"""Codes, or their meanings."""
LIMITS: Mapping[int, tuple[float, float]] = MappingProxyType(
    {
        AGE: (18.0, 120.0),
        BMI: (10.0, 100.0),
        **dict.fromkeys(HEIGHT, (50.0, 250.0)),
        **dict.fromkeys(WEIGHT, (20.0, 350.0)),
    }
)
"""Smallest and largest value of an adult; what lies outside is a slip of the pen or of the unit."""
NEEDED = frozenset({*TEXTS, *LIMITS})
REQUIRED = (SEX, ETHNIC_BACKGROUND)

VISITS = (2, 3, 1, 0)
"""Instances in the order in which values are taken: the imaging visit and its repetition, then the visit
before them (the first repetition of the assessment), then the first assessment."""


SEXES: Mapping[str, str] = MappingProxyType({"0": "female", "1": "male"})
"""UK Biobank's data-coding 9."""

ETHNIC_BACKGROUNDS: Mapping[str, str] = MappingProxyType(
    {
        "1": "White",
        "1001": "British",
        "1002": "Irish",
        "1003": "Any other white background",
        "2": "Mixed",
        "2001": "White and Black Caribbean",
        "2002": "White and Black African",
        "2003": "White and Asian",
        "2004": "Any other mixed background",
        "3": "Asian or Asian British",
        "3001": "Indian",
        "3002": "Pakistani",
        "3003": "Bangladeshi",
        "3004": "Any other Asian background",
        "4": "Black or Black British",
        "4001": "Caribbean",
        "4002": "African",
        "4003": "Any other Black background",
        "5": "Chinese",
        "6": "Other ethnic group",
        "-1": "Do not know",
        "-3": "Prefer not to answer",
    }
)
"""UK Biobank's data-coding 1001."""

_BRANCHES = {"1": "White", "2": "Mixed", "3": "Asian", "4": "Black", "5": "Chinese", "6": "Others"}
RACES: Mapping[str, str] = MappingProxyType(
    {meaning: _BRANCHES[code[0]] for code, meaning in ETHNIC_BACKGROUNDS.items() if code[0] in _BRANCHES}
)
"""The paper's group of every answer of :data:`ETHNIC_BACKGROUNDS`.

Puyol-Antón et al. 2021 name six groups and do not say how they come from the field. Data-coding 1001 is a
tree with these six branches, and every code's first digit is its branch: so "Any other Asian background"
is Asian with Indian, Pakistani and Bangladeshi, Chinese stands apart, and a branch that was chosen without
a finer answer ("White") counts like its finer answers.
"""

NO_ANSWERS: Mapping[str, str] = MappingProxyType(
    {"Do not know": "do not know", "Prefer not to answer": "prefer not to answer"}
)
NOT_RECORDED = "not recorded"
UNCODED = "outside the coding"
"""Stands for every cell that holds neither a code nor a meaning."""

# a table that went through software which has no missing whole numbers
_AS_DECIMAL = re.compile(r"\.0+$")


def meanings(cells: pd.Series, coding: Mapping[str, str]) -> pd.Series:
    """Translate cells that hold codes, or meanings as the Research Analysis Platform exports them.

    Args:
        cells: Text; a code may be written as a decimal (``1001.0``), a meaning in any case.
        coding: Meaning of each code.

    Returns:
        Meanings as ``coding`` spells them; :data:`UNCODED` for what is neither code nor meaning, for it
        must not pass as missing. What was missing stays missing.
    """
    known = {**coding, **{meaning.casefold(): meaning for meaning in coding.values()}}
    # a few values stand in half a million cells
    found = {cell: known.get(_AS_DECIMAL.sub("", cell).casefold(), UNCODED) for cell in cells.dropna().unique()}
    return cells.map(found).astype("str")


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


BLOCK = 2**22
"""Bytes that are parsed at a time: more than any row."""
AROUND_A_VALUE = ' "\t\r\n'
_CODINGS = {SEX: SEXES, ETHNIC_BACKGROUND: ETHNIC_BACKGROUNDS}


@dataclass(frozen=True)
class Rows:
    """What one table says.

    Attributes:
        values: Index ``source_id``, which may repeat; columns by field and instance. Meanings of codes
            as text, the assessment centre as it stands there, all others as numbers within
            :data:`LIMITS`.
        unusable: Rows without an id, or of another length than the header.
        impossible: Values that were no numbers or outside the limits, and are missing now.
    """

    values: pd.DataFrame
    unusable: int
    impossible: int


def read_rows(path: Path, layout: Layout, wanted: Collection[str] | None) -> Rows:
    """Read the needed columns.

    Every needed cell is ASCII, so a table in UTF-8, Latin-1 or Windows-1252 reads alike as Latin-1, in
    which no byte is wrong.

    Args:
        path: The table, compressed if it ends in ``.gz``.
        layout: Its layout.
        wanted: Ids to keep; ``None`` for all.

    Raises:
        InvalidCohortError: The file is damaged, or no row has an id and the header's length.
    """
    counter = _RowCounter()
    try:
        cells = pa.Table.from_batches(_batches(path, layout, wanted, counter), _schema(layout)).to_pandas()
    except (OSError, ValueError, pa.ArrowException):
        # what the library says quotes a row
        raise InvalidCohortError(TABLE, "damaged, or no table", "text with a header and rows", "restore it") from None
    if counter.unusable and not counter.usable:
        found = f"none of {counter.unusable} rows has an id and {layout.width} cells, as the header has"
        raise InvalidCohortError(TABLE, found, "one cell a column in every row", "export it again")
    cells.index = pd.Index(cells.pop(str(layout.participant)), name="source_id", dtype="str")
    values = {place: _values(cells[str(position)], place[0]) for place, position in layout.values.items()}
    table = pd.DataFrame(values, cells.index)
    return Rows(table, counter.unusable, int(cells.notna().sum().sum() - table.notna().sum().sum()))


class _RowCounter:
    """Counts rows, and keeps nothing of those that are passed over."""

    def __init__(self) -> None:
        self.usable = self.unusable = 0

    def of_wrong_length(self, row: arrow_csv.InvalidRow) -> str:
        """What the parser asks about such a row."""
        self.unusable += 1
        return "skip"

    def add(self, ids: pa.StringArray) -> None:
        self.unusable += ids.null_count
        self.usable += len(ids) - ids.null_count


def _schema(layout: Layout) -> pa.Schema:
    needed = (layout.participant, *layout.values.values())
    return pa.schema([(str(position), pa.string()) for position in needed])


def _batches(
    path: Path, layout: Layout, wanted: Collection[str] | None, counter: _RowCounter
) -> Iterator[pa.RecordBatch]:
    """Needed cells, trimmed and missing where they are empty or a missing-value word, of rows with a wanted id."""
    schema = _schema(layout)
    words = [MISSING_IN_TEXT, *(_missing_words(field) for field, _ in layout.values)]
    ids = None if wanted is None else pa.array(list(wanted), pa.string())
    # by position, whatever the encoding of the other columns' names
    names = [str(position) for position in range(layout.width)]
    reading = arrow_csv.ReadOptions(column_names=names, skip_rows=1, block_size=BLOCK, encoding="latin-1")
    conversion = arrow_csv.ConvertOptions(include_columns=schema.names, column_types=schema)
    with arrow_csv.open_csv(str(path), reading, _parsing(layout, counter), conversion) as reader:
        for batch in reader:
            columns = [_trimmed(column, missing) for column, missing in zip(batch.columns, words, strict=True)]
            counter.add(columns[0])
            kept = compute.is_valid(columns[0]) if ids is None else compute.is_in(columns[0], ids)
            yield pa.RecordBatch.from_arrays(columns, schema=schema).filter(kept)


def _parsing(layout: Layout, counter: _RowCounter) -> arrow_csv.ParseOptions:
    # between tabs a quotation mark is part of free text, and one without its twin would swallow the next rows
    quoted = layout.separator != "\t"
    return arrow_csv.ParseOptions(
        delimiter=layout.separator,
        quote_char='"' if quoted else False,
        newlines_in_values=quoted,
        invalid_row_handler=counter.of_wrong_length,
    )


def _missing_words(field: int) -> tuple[str, ...]:
    # no word of a missing value is a number, or one of UK Biobank's codes
    return MISSING_IN_NUMBERS if field in LIMITS or field in _CODINGS else MISSING_IN_TEXT


def _trimmed(column: pa.StringArray, words: tuple[str, ...]) -> pa.StringArray:
    text = compute.utf8_trim(column, AROUND_A_VALUE)
    missing = compute.is_in(compute.utf8_lower(text), pa.array(words, pa.string()))
    return compute.if_else(missing, pa.scalar(None, pa.string()), text)


def _values(cells: pd.Series, field: int) -> pd.Series:
    if field in _CODINGS:
        return meanings(cells, _CODINGS[field])
    if field not in LIMITS:
        return cells
    numbers = read_numbers(cells).values
    return numbers.where(numbers.between(*LIMITS[field]))
