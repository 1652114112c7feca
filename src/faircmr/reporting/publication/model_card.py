"""A model card of a study's strategies, filled from its tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from faircmr.core.omissions import strategy_step
from faircmr.core.shown_names import in_markdown
from faircmr.reporting.audit_tables import decimal, interval
from faircmr.reporting.publication.markdown import markdown_table, names_in_markdown, omission_markdown, said
from faircmr.reporting.report.choices import AXES
from faircmr.reporting.report.parameters import ReportParameters
from faircmr.reporting.report.provenance import DATA, SEEDS, VERSIONS
from faircmr.reporting.report.study import Study, each
from faircmr.reporting.report.words import ABSENT

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
        left_out=_left_out(study),
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


def _left_out(study: Study) -> str:
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
