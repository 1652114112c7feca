"""Sections on who is there, what was tried, and how well it did: cohort, strategies, Tables 1 and 2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from faircmr.core.omissions import omissions_in
from faircmr.reporting.audit_tables import decimal
from faircmr.reporting.canvas import to_svg
from faircmr.reporting.figures import demographics_figure
from faircmr.reporting.html_page import Html, element, figure, together
from faircmr.reporting.omission_tables import omission_section
from faircmr.reporting.report.choices import AXES
from faircmr.reporting.report.paper_tables import PUBLISHED_MARK, SOUND_MARK, table_1, table_2
from faircmr.reporting.report.show import WORDS, Columns, paper_table, rows_table, sentence
from faircmr.reporting.report.strategy_figure import HEADINGS, draw_strategies
from faircmr.reporting.report.study import Study
from faircmr.reporting.report.words import (
    ABSENT,
    COHORT,
    NOT_RECORDED,
    NOTHING_LEFT_OUT,
    STRATEGIES,
    TABLE_1,
    TABLE_2,
)

SEX, PERCENT = "sex_", "_percent"


def cohort(study: Study) -> Iterator[Html]:
    """Fig. 2 and its numbers."""
    table = study.tables.demographics
    if table.empty:
        yield sentence(ABSENT["demographics"])
        return
    yield figure(demographics_figure(table), COHORT.format(attribute=study.protected))
    yield rows_table("Everybody in the study", table, _demographic_columns(table))


def left_out(study: Study) -> Iterator[Html]:
    """What the study and each strategy left out, and which attributes are missing."""
    table = study.tables.omissions
    if table.empty and not len(table.columns):
        yield sentence(ABSENT["omissions"])
        return
    yield from omission_section(omissions_in(table), NOTHING_LEFT_OUT)
    if unknown := study.without_omissions:
        yield sentence(NOT_RECORDED.format(strategies=", ".join(unknown)))


def strategies(study: Study) -> Iterator[Html]:
    """Fig. 1 of the strategies that were scored, and the choices of all."""
    choices = study.tables.choices
    if choices.empty:
        yield sentence(ABSENT["choices"])
        return
    scored = choices[choices["strategy"].isin(study.strategies)] if study.strategies else choices
    first = str(scored["strategy"].iloc[0])
    yield figure(to_svg(draw_strategies(scored)), STRATEGIES.format(first=first))
    columns: Columns = {
        "strategy": lambda row: str(row.strategy),
        "scored": lambda row: "yes" if row.strategy in study.strategies else "no",
        "control of": lambda row: str(row.control) or "-",
        **{HEADINGS[axis]: _text(choices.columns.tolist().index(axis)) for axis in AXES},
    }
    listed = rows_table("All strategies of the registry", choices.fillna(""), columns, class_=WORDS)
    yield element("details", element("summary", "All strategies, choice by choice"), listed)


def tables(study: Study) -> Iterator[Html]:
    """Table 2, then Table 1 of each strategy."""
    words = {"star": PUBLISHED_MARK, "dagger": SOUND_MARK, **study.words}
    if study.strategies:
        yield element("p", TABLE_2.format(**words))
        yield paper_table("Table 2: DSC by group (%)", table_2(study), "strategy")
        if study.tables.table2["seeds"].max() < 2:
            yield sentence(ABSENT["seeds"])
    else:
        yield sentence(ABSENT["table2"])
    own = study.tables.table1
    if own.empty:
        yield sentence(ABSENT["table1"])
        return
    yield element("p", TABLE_1.format(**words))
    for strategy in dict.fromkeys(own["strategy"].astype(str)):
        yield element("h3", f"Table 1: {strategy}")
        yield paper_table(f"DSC of {strategy} (%)", table_1(study, strategy), "group")


def _demographic_columns(table: pd.DataFrame) -> Columns:
    columns: Columns = {
        "group": lambda row: str(row.protected_group),
        "subjects": lambda row: str(row.n),
        "share (%)": lambda row: decimal(row.percent, 1),
    }
    # by place: a sex may be called as no attribute of a tuple can be
    places = {str(name): place for place, name in enumerate(table.columns)}
    for name, place in places.items():
        if name.startswith(SEX) and name.endswith(PERCENT):
            columns[f"{name.removeprefix(SEX).removesuffix(PERCENT)} (%)"] = _number(place)
    if "age_mean" in table:
        columns |= {"age, mean (years)": _number(places["age_mean"]), "age, spread (years)": _number(places["age_sd"])}
    missing = {"sex_missing": "sex not recorded", "age_missing": "age not recorded"}
    return columns | {text: _text(places[name]) for name, text in missing.items() if name in places}


def _number(place: int) -> Any:
    return lambda row: decimal(float(row[place]), 1)


def _text(place: int) -> Any:
    return lambda row: together([str(row[place])])
