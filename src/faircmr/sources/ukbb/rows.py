"""The needed cells of one UK Biobank table, out of thousands of columns and half a million rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from faircmr.core.errors import InvalidCohortError
from faircmr.core.table_values import MISSING_IN_NUMBERS, MISSING_IN_TEXT, read_numbers
from faircmr.sources.ukbb.codings import ETHNIC_BACKGROUNDS, SEXES, meanings
from faircmr.sources.ukbb.fields import ETHNIC_BACKGROUND, LIMITS, SEX
from faircmr.sources.ukbb.layout import TABLE, Layout

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
            :data:`~faircmr.sources.ukbb.fields.LIMITS`.
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
