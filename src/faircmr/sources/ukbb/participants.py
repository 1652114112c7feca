"""Attributes of UK Biobank participants: one row a participant, with the rules that choose the visit of each value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from faircmr.core import InvalidCohortError, Omission
from faircmr.core.user_input import has_suffix
from faircmr.sources import FolderWalk
from faircmr.sources.ukbb.tables import (
    AGE,
    BMI,
    CENTRE,
    ETHNIC_BACKGROUND,
    FORMS,
    HEIGHT,
    LIMITS,
    NO_ANSWERS,
    NOT_RECORDED,
    RACES,
    REQUIRED,
    SEX,
    TABLE,
    UNCODED,
    VISITS,
    WEIGHT,
    Layout,
    Rows,
    read_layout,
    read_rows,
)

LISTED_TWICE = "listed twice with different values"
ROUNDING = 0.1
"""Difference in years, cm, kg or kg/m2 below which two exports have rounded one value differently."""


def join_tables(tables: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, pd.Index]:
    """Join tables by participant; where one row has no value another row's is taken.

    Args:
        tables: As :attr:`~faircmr.sources.ukbb.tables.Rows.values`.

    Returns:
        Each id once, sorted; and the ids whose rows contradict each other. Centres are not compared: one
        export holds their codes, another their names.
    """
    rows = pd.concat(tables)
    repeated = rows.index.duplicated(keep=False)
    if not repeated.any():
        return rows.sort_index(), rows.index[:0]
    people = rows[repeated].groupby(level=0)
    merged = people.first()
    fields = rows.columns.get_level_values(0)
    measured, compared = fields.isin(list(LIMITS)), fields != CENTRE
    numbers, texts = list(rows.columns[measured]), list(rows.columns[compared & ~measured])
    spread = people[numbers].max() - people[numbers].min()
    differ = (spread > ROUNDING).any(axis=1) | (people[texts].nunique() > 1).any(axis=1)
    return pd.concat([rows[~repeated], merged]).sort_index(), merged.index[np.asarray(differ, dtype=np.bool_)]


CONTRADICTIONS = {
    "sex": "sex differs between visits",
    "race": "ethnic background is of another group at another visit",
    "coding": "sex or ethnic background is outside UK Biobank's coding",
}


def attributes_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Attributes of every participant.

    Args:
        rows: As :attr:`~faircmr.sources.ukbb.tables.Rows.values`, each id once.

    Returns:
        The columns of :attr:`Demographics.attributes`.
    """
    answers = _at_visits(rows, (ETHNIC_BACKGROUND,))
    races = [answer.map(RACES) for answer in answers]
    race = _first_known(races, rows.index)
    # an answer that stands for no group gives way to one that does
    backgrounds = [answer.where(group.notna()) for answer, group in zip(answers, races, strict=True)]
    reasons = _first_known([answer.map(NO_ANSWERS) for answer in answers], rows.index)
    height, weight = _first_measurement(rows, HEIGHT), _first_measurement(rows, WEIGHT)
    return pd.DataFrame(
        {
            "sex": _text(_first_known(_at_visits(rows, (SEX,)), rows.index)),
            "race": _text(race),
            "race_missing": _text(reasons.fillna(NOT_RECORDED).where(race.isna())),
            "ethnic_background": _text(_first_known(backgrounds, rows.index)),
            "age": _first_measurement(rows, (AGE,)),
            "bmi": _bmi(rows).fillna(_body_mass_index(height, weight)),
            "height": height,
            "weight": weight,
            # a code, also where it looks like a number
            "centre": _text(_first_known(_at_visits(rows, (CENTRE,)), rows.index)).astype("category"),
        }
    )


def contradictions_in(rows: pd.DataFrame) -> pd.Series:
    """Why participants cannot be used: index ``source_id``, those alone."""
    sexes, answers = _at_visits(rows, (SEX,)), _at_visits(rows, (ETHNIC_BACKGROUND,))
    found = {
        "coding": _any_known([cells == UNCODED for cells in (*sexes, *answers)], rows.index),
        "sex": _has_conflict(sexes, rows.index),
        "race": _has_conflict([answer.map(RACES) for answer in answers], rows.index),
    }
    reasons = pd.Series(index=rows.index, dtype="str")
    for name, at_fault in found.items():
        reasons = reasons.mask(at_fault & reasons.isna(), CONTRADICTIONS[name])
    return reasons.dropna()


def _at_visits(rows: pd.DataFrame, fields: Sequence[int], visits: Sequence[int] = VISITS) -> list[pd.Series]:
    """Columns of some fields, the best visit first and there the first field."""
    places = [(field, visit) for visit in visits for field in fields]
    return [rows[place] for place in places if place in rows.columns]


def _first_known(columns: Sequence[pd.Series], index: pd.Index) -> pd.Series:
    """The first value of each row that is not missing."""
    if not columns:
        return pd.Series(index=index, dtype="object")
    first, *others = columns
    for other in others:
        first = first.fillna(other)
    return first


def _has_conflict(columns: Sequence[pd.Series], index: pd.Index) -> pd.Series:
    first = _first_known(columns, index)
    return _any_known([column.notna() & (column != first) for column in columns], index)


def _any_known(columns: Sequence[pd.Series], index: pd.Index) -> pd.Series:
    found = pd.Series(data=False, index=index)
    for column in columns:
        found |= column.fillna(value=False).astype("bool")
    return found


def _first_measurement(rows: pd.DataFrame, fields: Sequence[int], visits: Sequence[int] = VISITS) -> pd.Series:
    return _first_known(_at_visits(rows, fields, visits), rows.index).astype("float64")


def _bmi(rows: pd.DataFrame) -> pd.Series:
    """Body-mass index of the best visit that has one, or height and weight to compute it from."""
    at_each = []
    for visit in VISITS:
        computed = _body_mass_index(
            _first_measurement(rows, HEIGHT, (visit,)), _first_measurement(rows, WEIGHT, (visit,))
        )
        at_each.append(_first_measurement(rows, (BMI,), (visit,)).fillna(computed))
    return _first_known(at_each, rows.index)


def _body_mass_index(height: pd.Series, weight: pd.Series) -> pd.Series:
    index = weight / (height / 100) ** 2
    return index.where(index.between(*LIMITS[BMI]))


def _text(column: pd.Series) -> pd.Series:
    return column.astype("str")


SUFFIXES = (".tab", ".csv", ".tsv", ".txt")
_ALL_SUFFIXES = (*SUFFIXES, *(f"{suffix}.gz" for suffix in SUFFIXES))


@dataclass(frozen=True)
class Demographics:
    """What UK Biobank's tables say of the participants.

    Attributes:
        attributes: Index ``source_id`` (the participant's id as text), sorted, those of ``rejected`` left
            out; missing as NA. Columns: ``sex`` (``female``/``male``); ``race``, one of the paper's six
            groups (see :data:`~faircmr.sources.ukbb.tables.RACES`); ``race_missing``, why there is none:
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
    joined, listed_twice = join_tables([table.values for table in tables])
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
