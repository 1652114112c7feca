"""A datasheet of the data set of a study, filled from its tables."""

from __future__ import annotations

import pandas as pd

from faircmr.core.omissions import strategy_step
from faircmr.core.shown_names import in_markdown
from faircmr.reporting.audit_tables import decimal
from faircmr.reporting.publication.markdown import TO_BE_SAID, markdown_table, omission_markdown, said
from faircmr.reporting.report.parameters import ReportParameters
from faircmr.reporting.report.provenance import DATA
from faircmr.reporting.report.study import Study
from faircmr.reporting.report.words import ABSENT

SHEET = """# Datasheet

Questions after Gebru et al. 2021, "Datasheets for Datasets". What a program cannot know is left to people.

## Motivation
For what purpose was the data set created, by whom, and with whose money? {data_set}

## Composition
{composition}

Not recorded: {missing}.

Scans: {scans}

Digests: {digests}.

## Collection
How were people chosen and asked, and what were they told? {unknown}

How were the groups recorded (by the people themselves, or by somebody else)? {unknown}

## Preprocessing and labelling
Who drew the labels, and was the same person's work compared with another's? {unknown}

What was left out, and why?

{left_out}

Subjects that cannot be used are listed by study key in 02_intermediate/quarantine.csv.

## Uses
{intended_use}

A group's name is not a biological fact. The data set must not be used to find out who somebody is.

## Distribution and maintenance
Licence: {licence}
"""


def datasheet(study: Study, report: ReportParameters) -> str:
    """The sheet.

    Args:
        study: Its tables.
        report: What nobody but the people of the study can say.

    Returns:
        Markdown without an id of a subject.

    Source:
        Gebru et al. 2021, Datasheets for Datasets: its questions.
    """
    table, facts = study.tables.demographics, study.tables.provenance
    return SHEET.format(
        data_set=said(report.data_set),
        composition=_composition(table),
        missing=_missing(table),
        left_out=_left_out(study.tables.omissions),
        scans=_named(facts, "fingerprint"),
        digests=_named(facts, DATA),
        intended_use=said(report.intended_use),
        licence=said(report.licence),
        unknown=TO_BE_SAID,
    )


def _composition(table: pd.DataFrame) -> str:
    if table.empty:
        return ABSENT["demographics"]
    shown = [name for name in table.columns if name.endswith("percent") or name in {"n", "age_mean", "age_sd"}]
    rows = [
        [str(row["protected_group"]), *(decimal(float(row[name]), 0 if name == "n" else 1) for name in shown)]
        for _, row in table.iterrows()
    ]
    return markdown_table(["group", *(name.replace("_", " ") for name in shown)], rows)


def _missing(table: pd.DataFrame) -> str:
    total = table.iloc[-1] if len(table) else pd.Series(dtype="object")
    counts = {name.removesuffix("_missing"): total[name] for name in table.columns if name.endswith("_missing")}
    return (
        ", ".join(f"{in_markdown(name)} of {count} subjects" for name, count in counts.items() if count)
        or "nothing that is known of"
    )


def _left_out(table: pd.DataFrame) -> str:
    """Omissions of the data set and of training; those of strategies are in the model card."""
    if "step" not in table:
        return ABSENT["omissions"]
    strategies = table["step"].str.startswith(strategy_step(""))
    return omission_markdown(table[~strategies]) or "Nothing."


def _named(facts: pd.DataFrame, part: str) -> str:
    own = facts[facts["part"] == part] if len(facts) else facts
    pairs = (
        [in_markdown(f"{name} {value}") for name, value in zip(own["name"], own["value"], strict=True)]
        if len(own)
        else []
    )
    return "; ".join(pairs) or "not recorded"
