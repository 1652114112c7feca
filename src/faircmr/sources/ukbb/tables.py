"""Who the participants are: UK Biobank's tables, in each form that their users hold them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from faircmr.core.errors import InvalidCohortError
from faircmr.core.file_names import has_suffix
from faircmr.core.omissions import Omission
from faircmr.sources.folders import FolderWalk
from faircmr.sources.ukbb.fields import REQUIRED
from faircmr.sources.ukbb.joining import LISTED_TWICE, join
from faircmr.sources.ukbb.layout import FORMS, TABLE, Layout, read_layout
from faircmr.sources.ukbb.rows import Rows, read_rows
from faircmr.sources.ukbb.visits import attributes_of, contradictions_in

SUFFIXES = (".tab", ".csv", ".tsv", ".txt")
_ALL_SUFFIXES = (*SUFFIXES, *(f"{suffix}.gz" for suffix in SUFFIXES))


@dataclass(frozen=True)
class Demographics:
    """What UK Biobank's tables say of the participants.

    Attributes:
        attributes: Index ``source_id`` (the participant's id as text), sorted, those of ``rejected`` left
            out; missing as NA. Columns: ``sex`` (``female``/``male``); ``race``, one of the paper's six
            groups (see :data:`~faircmr.sources.ukbb.codings.RACES`); ``race_missing``, why there is none:
            ``prefer not to answer``, ``do not know`` or ``not recorded``; ``ethnic_background``, the answer
            itself; ``age`` (years); ``bmi`` (kg/m2); ``height`` (cm); ``weight`` (kg); ``centre``, code or
            name of the assessment centre, as the table has it.
        rejected: Why a participant cannot be used, by source id.
        repeated_rows: Rows that said again what another row of their table says.
        unusable_rows: Rows without an id, or with more or fewer cells than the header.
        impossible_values: Ages, heights, weights and body-mass indices that cannot be, and are missing.
    """

    attributes: pd.DataFrame = field(repr=False)
    rejected: Mapping[str, str] = field(repr=False)
    repeated_rows: int = 0
    unusable_rows: int = 0
    impossible_values: int = 0

    def omissions(self) -> list[Omission]:
        """Rows that are not used, and values that are missing because they cannot be."""
        rows = {
            "they repeat another row of their table": self.repeated_rows,
            "no id, or more or fewer cells than the header": self.unusable_rows,
        }
        found = [
            Omission("rows of UK Biobank's tables", count, None, reason) for reason, count in rows.items() if count
        ]
        if self.impossible_values:
            reason = "not a number, or outside the limits of ages, heights, weights and body-mass indices"
            what = "values of UK Biobank's tables"
            found.append(Omission(what, self.impossible_values, None, reason, outcome="set to missing"))
        return found


def find_tables(root: Path) -> tuple[Path, ...]:
    """Find UK Biobank's tables by their headers.

    Args:
        root: Files in it and in the folders directly below it are looked at.

    Returns:
        Files that end in one of :data:`SUFFIXES`, or in one of them and ``.gz``, and have a column ``eid``,
        ``f.eid`` or ``participant.eid``; sorted.

    Raises:
        InvalidCohortError: One of them is in UTF-16, or names a field twice.
    """
    return tables_among(listing.path / name for listing in FolderWalk(root, 1) for name in listing.files)


def tables_among(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those files that are tables by their names and headers; as for :func:`find_tables`."""
    return tuple(path for path in sorted(paths) if may_be_table(path.name) and read_layout(path) is not None)


def may_be_table(name: str) -> bool:
    """Whether a file ends in one of :data:`SUFFIXES`, or in one of them and ``.gz``, in any case."""
    return has_suffix(name, _ALL_SUFFIXES)


def read_tables(paths: Sequence[Path], wanted: Collection[str] | None = None) -> Demographics:
    """Read tables and join them by participant.

    Values are those of the imaging visit (instance 2, then 3), else of the nearest earlier one (1, 0), each
    value by itself. Cells may hold codes or their meanings.

    Args:
        paths: Tables that together hold at least sex (field 31) and ethnic background (field 21000).
        wanted: Ids to keep, such as those of the scans; ``None`` for all.

    Raises:
        InvalidCohortError: There is no table, a file is none or is damaged, or no table has field 31 or 21000.
    """
    if not paths:
        raise InvalidCohortError(
            "source_root", "no UK Biobank table found there", f"a table with a column eid and {FORMS}", "put one there"
        )
    layouts = {path: _required_layout(path) for path in paths}
    _check_fields(layouts.values())
    tables = [read_rows(path, layout, wanted) for path, layout in layouts.items() if layout.values]
    return _demographics(tables)


def _demographics(tables: Sequence[Rows]) -> Demographics:
    joined, listed_twice = join([table.values for table in tables])
    rejected = {**contradictions_in(joined), **dict.fromkeys(listed_twice, LISTED_TWICE)}
    return Demographics(
        attributes=attributes_of(joined[~joined.index.isin(list(rejected))]),
        rejected=rejected,
        repeated_rows=sum(int(table.values.index.duplicated().sum()) for table in tables),
        unusable_rows=sum(table.unusable for table in tables),
        impossible_values=sum(table.impossible for table in tables),
    )


def _required_layout(path: Path) -> Layout:
    layout = read_layout(path)
    if layout is None:
        raise InvalidCohortError(TABLE, "no column eid, f.eid or participant.eid", f"that and {FORMS}", "correct it")
    return layout


def _check_fields(layouts: Collection[Layout]) -> None:
    present = {number for layout in layouts for number, _ in layout.values}
    absent = [f"field {number}" for number in REQUIRED if number not in present]
    if absent:
        raise InvalidCohortError(
            "UK Biobank tables",
            f"no column of {' and of '.join(absent)}",
            f"field 31 (sex) and field 21000 (ethnic background), in {FORMS}",
            "export the field, or put its table into source_root",
        )
