"""The fairness report: everything that a study has saved, on one page that loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from faircmr.reporting import HEADING, Html, decimal, element, interval, page, together
from faircmr.reporting.report import sections as errors
from faircmr.reporting.report import sections as fairness
from faircmr.reporting.report import sections as scores
from faircmr.reporting.report.cases import CasePictures
from faircmr.reporting.report.interaction import SCRIPT, STYLE
from faircmr.reporting.report.study import Study, each
from faircmr.reporting.report.tables import Columns, rows_table, sentence
from faircmr.reporting.report.words import ABSENT, COMPARED, LEFT_OUT_ID, READING

HERE, THERE = "here", "there"


def other_study(study: Study) -> Iterator[Html]:
    """Strategies of both studies; nothing where none is named."""
    other = study.tables.other_table2
    if other.empty:
        return
    yield element("p", COMPARED)
    both = _beside(study.tables.table2, study.tables.disparity, other, study.tables.other_disparity)
    columns: Columns = {
        "strategy": lambda row: str(row.strategy),
        **{f"{name}, {where}": _pair(name, where) for name in ("Avg", "SD", "SER") for where in (HERE, THERE)},
        "SD less noise, here": lambda row: decimal(row.SD_corrected_here),
        "SD less noise, there": lambda row: decimal(row.SD_corrected_there),
    }
    yield rows_table("This study and the other", both, columns)


def reading(study: Study) -> Iterator[Html]:
    """How to read every section."""
    for name, text in READING.items():
        yield element("p", element("strong", f"{name}. "), text.format(**study.words))


def provenance(study: Study) -> Iterator[Html]:
    """Versions, data, seeds, parameters."""
    table = study.tables.provenance
    if table.empty:
        yield sentence(ABSENT["provenance"])
        return
    for part, rows in table.fillna("").groupby("part", sort=False):
        pairs = (element(tag, str(text)) for row in each(rows) for tag, text in (("dt", row.name), ("dd", row.value)))
        yield element("details", element("summary", str(part)), together([element("dl", *pairs)]))


def _beside(*tables: pd.DataFrame) -> pd.DataFrame:
    here, there = (_measured(*pair) for pair in (tables[:2], tables[2:]))
    return here.merge(there, on="strategy", how="outer", suffixes=(f"_{HERE}", f"_{THERE}"), sort=False)


def _measured(table2: pd.DataFrame, disparity: pd.DataFrame) -> pd.DataFrame:
    """Measures of Table 2, with the intervals that the audit by the protected attribute has given them."""
    ends = [f"{name}_{end}" for name in ("Avg", "SD", "SER") for end in ("low", "high")]
    columns = ["model", *ends, "SD_corrected"]
    first = disparity[disparity["attribute"] == disparity["attribute"].iloc[0]] if len(disparity) else disparity
    named = first.reindex(columns=columns).rename(columns={"model": "strategy"}).astype({"strategy": "str"})
    return table2.reindex(columns=["strategy", "Avg", "SD", "SER"]).astype({"strategy": "str"}).merge(named, how="left")


def _pair(name: str, where: str) -> Any:
    def shown(row: Any) -> str:
        value, low, high = (float(getattr(row, f"{name}{end}_{where}")) for end in ("", "_low", "_high"))
        ends = interval(low, high)
        return f"{decimal(value)} [{ends}]" if ends else decimal(value)

    return shown


Section = tuple[str, str, Iterable[Html]]
"""Id, heading and content."""


def study_report(study: Study, pictures: CasePictures, title: str) -> str:
    """One page about a study.

    Args:
        study: Its tables; what is empty is said to be absent.
        pictures: Of the best and worst segmentations.
        title: Heading of the page.

    Returns:
        HTML that loads nothing: figures are drawn in it, and its one script sorts and hides. Everything is there
        without it. No id of a subject stands in it. The same study gives the same text.
    """
    sections = [(one, heading, list(content)) for one, heading, content in _sections(study, pictures)]
    shown = [(one, heading, content) for one, heading, content in sections if content]
    links = (element("a", heading, href=f"#{one}") for one, heading, _ in shown)
    body = [
        element("h1", title),
        element("nav", *links, class_="sections", aria_label="Sections"),
        *(element("section", element("h2", heading), *content, id=one) for one, heading, content in shown),
    ]
    return str(page(title, body, STYLE, SCRIPT))


def _sections(study: Study, pictures: CasePictures) -> Iterable[Section]:
    return (
        ("summary", "Summary", fairness.summary(study)),
        (LEFT_OUT_ID, HEADING, scores.left_out(study)),
        ("cohort", "Cohort", scores.cohort(study)),
        ("strategies", "Strategies", scores.strategies(study)),
        ("tables", "Tables 1 and 2", scores.tables(study)),
        ("groups", "Groups", fairness.groups(study)),
        ("disparity", "Disparity", fairness.disparity(study)),
        ("changes", "Gains and losses", fairness.changes(study)),
        ("surfaces", "Surfaces", errors.surfaces(study)),
        ("clinical", "Clinical errors", errors.clinical(study)),
        ("classifier", "Classifier", errors.classifiers(study)),
        ("examples", "Examples", errors.cases(pictures)),
        ("other-study", "Other study", other_study(study)),
        ("reading", "How to read", reading(study)),
        ("provenance", "Provenance", provenance(study)),
    )
