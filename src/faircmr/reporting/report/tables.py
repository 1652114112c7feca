"""Tables of the fairness report: Tables 1 and 2 with intervals and marks, surfaces, and chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from faircmr.core import PROTECTED_GROUP, InvalidParameterError
from faircmr.fairness.inference import Verdict
from faircmr.fairness.metrics import Metric, by_group
from faircmr.fairness.tables import (
    AVERAGE,
    MEAN_OF_GROUPS,
    MEASURES,
    RESERVED_COLUMNS,
    SEED_SD,
    SEEDS,
    TOTAL,
    attributes_of,
    comparable_scores,
)
from faircmr.reporting import Html, decimal, element, interval, table, together
from faircmr.reporting.report.study import Study, each
from faircmr.reporting.report.words import TERMS


def chance_of_disparity(groups: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """SD over groups that sampling noise would give if all groups were served alike.

    Args:
        groups: Rows of one attribute of :attr:`faircmr.fairness.audit.Audit.groups`: ``model``, ``n``, ``sd`` (points,
            over subjects), ``low`` (missing where a group is too small to count).
        confidence: Share of studies in which chance stays below the upper end, in 0..1.

    Returns:
        One row a model, in their order: ``model``, ``expected`` (root of the mean squared standard error: the root mean
        square of SD under equality) and ``upper``, in points; NaN where fewer than two groups count.

    Raises:
        InvalidParameterError: ``confidence`` is not between 0 and 1.

    Source:
        Expectation and variance of a quadratic form of normal means; ``upper`` is the quantile of the scaled chi-square
        distribution that has both (Satterthwaite 1946).
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidParameterError("confidence", confidence, "a share between 0 and 1")
    rows = []
    for model, own in groups.groupby("model", sort=False):
        counted = own[own["low"].notna()]
        squares = (counted["sd"] ** 2 / counted["n"]).to_numpy(dtype=float)
        rows.append((str(model), *_chance(squares, confidence)))
    return pd.DataFrame(rows, columns=["model", "expected", "upper"])


def _chance(squared_errors: np.ndarray[tuple[int], np.dtype[np.float64]], confidence: float) -> tuple[float, float]:
    # half a second to import
    from scipy.special import chdtri

    count = len(squared_errors)
    if count < 2 or not squared_errors.any():
        return (float("nan"), float("nan"))
    expected = squared_errors.mean()
    # trace of (C V)^2 with C the centring matrix
    trace = (1 - 2 / count) * (squared_errors**2).sum() + squared_errors.sum() ** 2 / count**2
    freedom = ((count - 1) * expected) ** 2 / trace
    return float(np.sqrt(expected)), float(np.sqrt(expected * chdtri(freedom, 1.0 - confidence) / freedom))


MILLIMETRES = (str(Metric.HD95), str(Metric.ASSD))
COUNTS = (str(Metric.MISSED), str(Metric.INVENTED))
COLUMNS = ["strategy", "structure", "metric", "group", "n", "mean", "sd", "median", "low", "high"]
KEYS = ["subject_id", "structure", "metric"]


def surface_errors(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Distances of each group, as they were scored.

    Args:
        scores: Long scores of each strategy; empty tables are strategies that did not run. No scan is scored again.
        subjects: Subject index.

    Returns:
        One row a strategy, structure, metric (``hd95`` and ``assd`` in mm; ``missed`` and ``invented``, shares of
        scans) and group, ``all`` last: ``n`` subjects, and over them, phases and seeds averaged first, ``mean``,
        ``sd`` (``ddof=1``), ``median``, and the quartiles ``low`` and ``high``. No rows where nothing of it was
        scored, or no strategy ran.

    Raises:
        InvalidScoresError: All scores are of one group.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    rows = [
        {"strategy": name, **row}
        for name, compared in _compared(scores, subjects).items()
        for row in _rows(compared, subjects)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _compared(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Scores of the strategies that ran; a report of a study before its first training has none."""
    return comparable_scores(scores, subjects) if any(len(table) for table in scores.values()) else {}


def _rows(scores: pd.DataFrame, subjects: pd.DataFrame) -> Iterator[dict[str, object]]:
    chosen = scores[scores["metric"].isin([*MILLIMETRES, *COUNTS])]
    means = chosen.groupby(KEYS)["value"].mean().reset_index()
    groups = attributes_of(pd.Index(means["subject_id"].unique(), name="subject_id"), subjects)[PROTECTED_GROUP]
    for (structure, metric), group_means in means.groupby(["structure", "metric"], sort=True):
        for group, part in by_group(group_means.rename(columns={"metric": "measure"}), groups):
            yield {"structure": structure, "metric": metric, "group": group, **_summary(part["value"])}


def _summary(values: pd.Series[float]) -> dict[str, float]:
    low, median, high = values.quantile([0.25, 0.5, 0.75])
    return {"n": len(values), "mean": values.mean(), "sd": values.std(), "median": median, "low": low, "high": high}


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
    groups = [str(name) for name in table.columns if name not in RESERVED_COLUMNS]
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


NUMBERS, WORDS = "numbers sortable", "words sortable"
Columns = dict[str, Callable[[Any], str]]


def head(name: str) -> Html:
    """Head of a column; what its words mean is told where anybody points at it or focuses it."""
    known = [f"{word}: {TERMS[word]}" for word in name.split() if word in TERMS]
    return element("abbr", name, title=". ".join(known)) if known else together([name])


def number(cell: Cell) -> Html:
    """A number with its marks, and its interval below it."""
    ends = interval(cell.low, cell.high)
    below = [element("small", ends)] if ends else []
    marks = [element("sup", cell.marks)] if cell.marks else []
    return together([decimal(cell.value, cell.decimals), *marks, *below])


def paper_table(caption: str, shown: PaperTable, first: str) -> Html:
    """One of the paper's tables.

    Args:
        caption: What it shows.
        shown: Its numbers.
        first: Head of the column of names.
    """
    bodies = {
        heading: [[_named(row.name, row.note), *map(number, row.cells)] for row in rows]
        for heading, rows in shown.bodies.items()
    }
    return table(caption, [first, *map(head, shown.columns)], bodies, NUMBERS)


def rows_table(caption: str, rows: pd.DataFrame, columns: Columns, by: str = "", class_: str = NUMBERS) -> Html:
    """A table of a data frame.

    Args:
        caption: What it shows.
        rows: Its rows.
        columns: What makes a cell of a row, by the head of its column.
        by: Column whose values stand above the rows that share them; none if empty.
        class_: :data:`NUMBERS` or :data:`WORDS`.
    """
    parts: Iterable[tuple[Any, pd.DataFrame]] = rows.groupby(by, sort=False) if by else [("", rows)]
    bodies = {str(name): [[make(row) for make in columns.values()] for row in each(part)] for name, part in parts}
    return table(caption, [head(name) for name in columns], bodies, class_)


def sentence(text: str) -> Html:
    """What is said in the place of something that a study does not have."""
    return element("p", text, class_="absent")


def bullets(lines: Sequence[str]) -> Html:
    """A list."""
    return element("ul", *(element("li", line) for line in lines))


def _named(name: str, note: str) -> Html:
    return together([name, *([element("small", note)] if note else [])])
