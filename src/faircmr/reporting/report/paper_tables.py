"""Tables 1 and 2 of the paper with intervals and marks, before anybody says how they are to look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.fairness.comparable import SEED_SD, SEEDS, TAKEN
from faircmr.fairness.disaggregate import MEAN_OF_GROUPS, TOTAL
from faircmr.fairness.group_row import AVERAGE, MEASURES
from faircmr.fairness.inference.verdict import Verdict
from faircmr.reporting.report.study import Study, each

PUBLISHED_MARK, SOUND_MARK = "*", "†"
"""The paper's own test, and the audit's verdict."""
SHOWN = (Verdict.DIFFERENT, Verdict.DIFFERENT_WITHIN_MARGIN)
Place = tuple[str, str, str]
"""Strategy, attribute and group."""
NAN = math.nan


@dataclass(frozen=True)
class Cell:
    """A number of a table.

    Attributes:
        value: In the unit of its column; NaN where there is none.
        low: Lower end of its interval, NaN where there is none.
        high: Upper end.
        marks: Behind it.
        decimals: As many as are shown.
    """

    value: float
    low: float = NAN
    high: float = NAN
    marks: str = ""
    decimals: int = 2


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Attributes:
        name: What it is of.
        note: Behind the name: of how many subjects it is, or what it is a control of.
        cells: One a column.
    """

    name: str
    note: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class PaperTable:
    """A table.

    Attributes:
        columns: Heads of the cells.
        bodies: Rows below the heading that stands above them; an empty heading is none.
    """

    columns: tuple[str, ...]
    bodies: Mapping[str, tuple[Row, ...]]


def table_1(study: Study, strategy: str) -> PaperTable:
    """DSC of one strategy, overall and by group.

    Args:
        study: Its tables.
        strategy: One that it has a Table 1 of.

    Returns:
        A body for both totals and one an attribute. Averages of groups have the interval of the audit, and marks.
    """
    own = study.tables.table1
    own = own[own["strategy"] == strategy]
    numbers = [str(name) for name in own.columns.drop(["strategy", "attribute", "group", "n"])]
    found = _Marked.of(study)
    bodies: dict[str, tuple[Row, ...]] = {}
    for attribute, rows in own.groupby("attribute", sort=False):
        heading = "" if attribute == TOTAL else f"by {found.audited(str(attribute))}"
        bodies[heading] = tuple(_row1(row, numbers, found) for _, row in rows.iterrows())
    return PaperTable(tuple(numbers), bodies)


def table_2(study: Study) -> PaperTable:
    """Strategies side by side, group by group.

    Returns:
        One body. Means of groups, the mean, SD and SER of them have the intervals of the audit. What follows ``±`` in
        the terminal has columns of its own: SD over training seeds of the average and of the SD.
    """
    table, found = study.tables.table2, _Marked.of(study)
    groups = [str(name) for name in table.columns if name not in TAKEN]
    spreads = [name + SEED_SD for name in MEASURES[:2] if name + SEED_SD in table]
    columns = (*groups, *MEASURES, SEEDS, *(f"{name.removesuffix(SEED_SD)}, seed SD" for name in spreads))
    rows = [_row2(row, groups, spreads, found) for _, row in table.iterrows()]
    return PaperTable(columns, {"": tuple(rows)})


def _row1(row: pd.Series[Any], numbers: Sequence[str], found: _Marked) -> Row:
    *cells, average = (Cell(float(row[name])) for name in numbers)
    if row["attribute"] == TOTAL:
        marked = found.total(str(row["strategy"]), average, str(row["group"]))
    else:
        place = (str(row["strategy"]), found.audited(str(row["attribute"])), str(row["group"]))
        marked = found.cell(place, average.value)
    return Row(str(row["group"]), f"n = {row['n']}", (*cells, marked))


def _row2(row: pd.Series[Any], groups: Sequence[str], spreads: Sequence[str], found: _Marked) -> Row:
    strategy = str(row["strategy"])
    cells = [found.cell((strategy, found.protected, group), float(row[group])) for group in groups]
    measures = [found.measure(strategy, name, float(row[name])) for name in MEASURES]
    seeds = Cell(float(row[SEEDS]), decimals=0)
    others = (Cell(float(row[name])) for name in spreads)
    return Row(strategy, found.controls.get(strategy, ""), (*cells, *measures, seeds, *others))


@dataclass(frozen=True)
class _Marked:
    """Intervals and marks of every number that has some."""

    protected: str
    controls: Mapping[str, str]
    intervals: Mapping[Place, tuple[float, float]]
    marks: Mapping[Place, str]
    measures: Mapping[str, pd.Series[Any]]

    @classmethod
    def of(cls, study: Study) -> _Marked:
        tables = study.tables
        intervals: dict[Place, tuple[float, float]] = {}
        marks: dict[Place, str] = {}
        for row in each(tables.asterisks):
            attribute = study.protected if row.attribute == PROTECTED_GROUP else row.attribute
            marks[row.strategy, attribute, row.group] = PUBLISHED_MARK if row.significant else ""
        for row in each(tables.groups):
            place = (row.model, row.attribute, row.group)
            intervals[place] = (float(row.low), float(row.high))
            marks[place] = marks.get(place, "") + (SOUND_MARK if row.verdict in SHOWN else "")
        own = study.of(tables.disparity, study.protected)
        measures = {str(row["model"]): row for _, row in own.iterrows()}
        controls = {
            str(row.strategy): f"control: {row.control}" for row in each(tables.choices.fillna("")) if row.control
        }
        return cls(study.protected, controls, intervals, marks, measures)

    def audited(self, attribute: str) -> str:
        return self.protected if attribute == PROTECTED_GROUP else attribute

    def cell(self, place: Place, value: float) -> Cell:
        return Cell(value, *self.intervals.get(place, (NAN, NAN)), self.marks.get(place, ""))

    def measure(self, strategy: str, name: str, value: float) -> Cell:
        row = self.measures.get(strategy)
        return Cell(value) if row is None else Cell(value, float(row[f"{name}_low"]), float(row[f"{name}_high"]))

    def total(self, strategy: str, average: Cell, which: str) -> Cell:
        """Only the mean of groups has an interval: the pooled mean depends on how many of each group there are."""
        return self.measure(strategy, AVERAGE, average.value) if which == MEAN_OF_GROUPS else average
