"""One row a participant: which visit each value is taken from, and whose visits contradict each other."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.sources.ukbb.codings import NO_ANSWERS, NOT_RECORDED, RACES, UNCODED
from faircmr.sources.ukbb.fields import AGE, BMI, CENTRE, ETHNIC_BACKGROUND, HEIGHT, LIMITS, SEX, VISITS, WEIGHT

CONTRADICTIONS = {
    "sex": "sex differs between visits",
    "race": "ethnic background is of another group at another visit",
    "coding": "sex or ethnic background is outside UK Biobank's coding",
}


def attributes_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Attributes of every participant.

    Args:
        rows: As :attr:`~faircmr.sources.ukbb.rows.Rows.values`, each id once.

    Returns:
        The columns of :attr:`~faircmr.sources.ukbb.tables.Demographics.attributes`.
    """
    answers = _at_visits(rows, (ETHNIC_BACKGROUND,))
    races = [answer.map(RACES) for answer in answers]
    race = _first(races, rows.index)
    # an answer that stands for no group gives way to one that does
    backgrounds = [answer.where(group.notna()) for answer, group in zip(answers, races, strict=True)]
    reasons = _first([answer.map(NO_ANSWERS) for answer in answers], rows.index)
    height, weight = _measured(rows, HEIGHT), _measured(rows, WEIGHT)
    return pd.DataFrame(
        {
            "sex": _text(_first(_at_visits(rows, (SEX,)), rows.index)),
            "race": _text(race),
            "race_missing": _text(reasons.fillna(NOT_RECORDED).where(race.isna())),
            "ethnic_background": _text(_first(backgrounds, rows.index)),
            "age": _measured(rows, (AGE,)),
            "bmi": _bmi(rows).fillna(_body_mass_index(height, weight)),
            "height": height,
            "weight": weight,
            # a code, also where it looks like a number
            "centre": _text(_first(_at_visits(rows, (CENTRE,)), rows.index)).astype("category"),
        }
    )


def contradictions_in(rows: pd.DataFrame) -> pd.Series:
    """Why participants cannot be used: index ``source_id``, those alone."""
    sexes, answers = _at_visits(rows, (SEX,)), _at_visits(rows, (ETHNIC_BACKGROUND,))
    found = {
        "coding": _any([cells == UNCODED for cells in (*sexes, *answers)], rows.index),
        "sex": _differ(sexes, rows.index),
        "race": _differ([answer.map(RACES) for answer in answers], rows.index),
    }
    reasons = pd.Series(index=rows.index, dtype="str")
    for name, at_fault in found.items():
        reasons = reasons.mask(at_fault & reasons.isna(), CONTRADICTIONS[name])
    return reasons.dropna()


def _at_visits(rows: pd.DataFrame, fields: Sequence[int], visits: Sequence[int] = VISITS) -> list[pd.Series]:
    """Columns of some fields, the best visit first and there the first field."""
    places = [(field, visit) for visit in visits for field in fields]
    return [rows[place] for place in places if place in rows.columns]


def _first(columns: Sequence[pd.Series], index: pd.Index) -> pd.Series:
    """The first value of each row that is not missing."""
    if not columns:
        return pd.Series(index=index, dtype="object")
    first, *others = columns
    for other in others:
        first = first.fillna(other)
    return first


def _differ(columns: Sequence[pd.Series], index: pd.Index) -> pd.Series:
    first = _first(columns, index)
    return _any([column.notna() & (column != first) for column in columns], index)


def _any(columns: Sequence[pd.Series], index: pd.Index) -> pd.Series:
    found = pd.Series(data=False, index=index)
    for column in columns:
        found |= column.fillna(value=False).astype("bool")
    return found


def _measured(rows: pd.DataFrame, fields: Sequence[int], visits: Sequence[int] = VISITS) -> pd.Series:
    return _first(_at_visits(rows, fields, visits), rows.index).astype("float64")


def _bmi(rows: pd.DataFrame) -> pd.Series:
    """Body-mass index of the best visit that has one, or height and weight to compute it from."""
    at_each = []
    for visit in VISITS:
        computed = _body_mass_index(_measured(rows, HEIGHT, (visit,)), _measured(rows, WEIGHT, (visit,)))
        at_each.append(_measured(rows, (BMI,), (visit,)).fillna(computed))
    return _first(at_each, rows.index)


def _body_mass_index(height: pd.Series, weight: pd.Series) -> pd.Series:
    index = weight / (height / 100) ** 2
    return index.where(index.between(*LIMITS[BMI]))


def _text(column: pd.Series) -> pd.Series:
    return column.astype("str")
