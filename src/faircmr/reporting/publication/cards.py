"""Datasheet and model card of a study, filled from its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pandas as pd

from faircmr.core import in_markdown, omissions_in, strategy_step, visible_text
from faircmr.reporting import COLUMNS as OMISSION_COLUMNS
from faircmr.reporting import decimal, interval
from faircmr.reporting.report import ABSENT, AXES, DATA, SEEDS, VERSIONS, ReportParameters, Study, each

TO_BE_SAID = "*To be said by the people of the study.*"


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of plain text: nothing in a cell is markup."""
    head, *body = [[in_markdown(cell) for cell in line] for line in (columns, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(columns), *body))


def omission_markdown(table: pd.DataFrame) -> str:
    """What was left out, as :func:`faircmr.core.omission_table` made it; empty where nothing was."""
    rows = [[step, one.counted, one.outcome, one.reason] for step, some in omissions_in(table).items() for one in some]
    return markdown_table(["step", *OMISSION_COLUMNS], rows) if rows else ""


def said(text: str) -> str:
    """What the people of the study say, in Markdown without HTML, or that they have not."""
    return visible_text(text).strip().replace("<", "&lt;") or TO_BE_SAID


def names_in_markdown(names: Iterable[str]) -> str:
    """Names one after the other within a sentence."""
    return ", ".join(map(in_markdown, names))


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
        left_out=_left_out_of_data(study.tables.omissions),
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


def _left_out_of_data(table: pd.DataFrame) -> str:
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


CARD = """# Model card

Sections after Mitchell et al. 2019, "Model Cards for Model Reporting".

## Models
Segmentation of the left and right ventricle in cine short-axis cardiac MR, one model a strategy and training seed.

{models}

Made with {versions}.

## Intended use
{intended_use}

These are research models. They have not been approved as a medical device.

## Factors
Audited: {attributes}. A group of fewer than {least} scored subjects is described and not judged.

## Metrics
Dice similarity coefficient (DSC), mean over phases and structures of a subject; SD over groups and skewed error ratio
of the groups' means; {confidence} intervals. A difference of less than {margin} counts as equal.

## Evaluation data
{data_set}

What the strategies left out or treated differently:

{left_out}

## Quantitative analyses
{performance}

{groups}

"Insufficient evidence" means that neither a difference nor its absence was shown: it does not mean fair.

## Caveats
{caveats}

## Reproduction
Seeds: {seeds}. Data: {digests}.
"""


def model_card(study: Study, report: ReportParameters) -> str:
    """The card.

    Args:
        study: Its tables.
        report: What nobody but the people of the study can say.

    Returns:
        Markdown without an id of a subject.

    Source:
        Mitchell et al. 2019, Model Cards for Model Reporting: its sections.
    """
    facts = study.tables.provenance
    return CARD.format(
        models=_models(study),
        versions=_facts(facts, VERSIONS, " "),
        intended_use=said(report.intended_use),
        attributes=names_in_markdown(study.attributes) or "nothing yet",
        **study.words,
        data_set=said(report.data_set),
        left_out=_left_out_of_strategies(study),
        performance=_performance(study),
        groups=_groups(study),
        caveats="\n".join(f"- {line}" for line in _caveats(study)),
        seeds=_facts(facts, SEEDS, " = "),
        digests=_facts(facts, DATA, " "),
    )


def _models(study: Study) -> str:
    choices = study.tables.choices
    if choices.empty:
        return ABSENT["choices"]
    rows = each(choices[choices["strategy"].isin(study.strategies)])
    return markdown_table(
        ["strategy", *AXES], [[str(getattr(row, name)) for name in ("strategy", *AXES)] for row in rows]
    )


def _left_out_of_strategies(study: Study) -> str:
    if unknown := study.without_omissions:
        return f"Not recorded of {names_in_markdown(unknown)}."
    steps = [strategy_step(name) for name in study.strategies]
    table = study.tables.omissions
    return (omission_markdown(table[table["step"].isin(steps)]) if steps else "") or "Nothing."


def _performance(study: Study) -> str:
    own = study.of(study.tables.disparity, study.protected)
    if own.empty:
        return ABSENT["few_groups"]
    names = ("Avg", "SD", "SER", "worst")
    rows = [[str(row.model), *(_bracketed(row, name) for name in names)] for row in each(own)]
    return markdown_table(["strategy", "Avg (%)", "SD (points)", "SER", "worst group (%)"], rows)


def _groups(study: Study) -> str:
    own = study.of(study.tables.groups, study.protected)
    if own.empty:
        return ABSENT["groups"]
    rows = [
        [row.model, row.group, str(row.n), f"{decimal(row.mean)} [{interval(row.low, row.high) or '-'}]", row.verdict]
        for row in each(own)
    ]
    return markdown_table(["strategy", study.protected, "n", "mean DSC (%)", "verdict"], rows)


def _caveats(study: Study) -> Iterator[str]:
    yield "A verdict holds for people such as those scored, labelled and scanned as these were."
    yield "Groups are what the data call them; what a group shares besides may be the cause of a difference."
    few = study.of(study.tables.groups, study.protected)
    if len(few):
        small = dict.fromkeys(few.loc[few["low"].isna(), "group"].astype(str))
        if small:
            yield f"Nothing can be said of {names_in_markdown(small)}: too few subjects."
    if len(study.tables.table2) and study.tables.table2["seeds"].max() < 2:
        yield ABSENT["seeds"]


def _bracketed(row: Any, name: str) -> str:
    value, low, high = (float(getattr(row, f"{name}{end}")) for end in ("", "_low", "_high"))
    return f"{decimal(value)} [{interval(low, high) or '-'}]"


def _facts(table: pd.DataFrame, part: str, between: str) -> str:
    own = table[table["part"] == part] if len(table) else table
    said_facts = (
        [in_markdown(f"{name}{between}{value}") for name, value in zip(own["name"], own["value"], strict=True)]
        if len(own)
        else []
    )
    return ", ".join(said_facts) or "not recorded"
