"""The page about a cohort before any training: who is in it, what differs by group, and what could be found."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from faircmr.core.omissions import omissions_in
from faircmr.core.study_index import RECORDING
from faircmr.fairness.cohort_checks.findings import CohortTables, rows_of
from faircmr.fairness.cohort_checks.measures import varying
from faircmr.reporting import cohort_tables as shown
from faircmr.reporting.cohort_figures import counts_figure, measures_figure, power_figure
from faircmr.reporting.cohort_words import (
    CAUTION,
    COUNTS,
    MEASURES,
    NO_TEST,
    NOT_DIVIDED,
    NOTHING_LEFT_OUT,
    NOTHING_UNREAD,
    POWER,
    READING,
    TITLE,
)
from faircmr.reporting.html_page import Html, element, figure, page
from faircmr.reporting.omission_tables import HEADING, omission_rows


def cohort_report(tables: CohortTables, checks: pd.DataFrame) -> str:
    """A page that says what this cohort can show.

    Args:
        tables: What is known of it.
        checks: As of :func:`faircmr.fairness.cohort_checks.checks.check_cohort`.

    Returns:
        HTML that loads nothing and runs nothing. Pairs of scans stand there by study key. The same tables give the
        same text.
    """
    reading = (element("p", element("strong", f"{name}. "), text) for name, text in READING.items())
    body = [
        element("h1", TITLE),
        element("p", CAUTION),
        shown.check_rows(checks.fillna("")),
        _section(HEADING, _left_out(tables)),
        _section("Who is where", _people(tables)),
        _section("What a test of this size can find", _power(tables)),
        _section("What differs by group", _measures(tables)),
        _section("What the headers of the scans say", _geometry(tables)),
        _section("Scans and people that stand there twice", _pairs(tables)),
        _section("What is missing", _missing(tables)),
        _section("How to read", reading),
    ]
    return str(page(TITLE, body))


def _section(heading: str, content: Iterator[Html]) -> Html:
    return element("section", element("h2", heading), *content)


def _left_out(tables: CohortTables) -> Iterator[Html]:
    found = omissions_in(pd.concat([tables.omissions, tables.split_omissions], ignore_index=True))
    # which attributes are missing is told by group further down
    steps = {step: some for step, some in found.items() if step != RECORDING}
    if not steps:
        yield element("p", NOTHING_UNREAD if tables.problem.exists else NOTHING_LEFT_OUT)
        return
    groups = {f"by {tables.protected_attribute}": partial(shown.lost_of_groups, tables.quarantined)}
    yield omission_rows(steps, groups if len(tables.quarantined) else None)


def _people(tables: CohortTables) -> Iterator[Html]:
    if tables.problem.exists:
        yield element("p", NOT_DIVIDED.format(problem=tables.problem, remedy=tables.problem.remedy))
        yield shown.count_rows(tables.counts)
        return
    everybody = tables.everybody
    caption = COUNTS.format(attribute=tables.protected_attribute)
    if everybody["fold"].notna().any():
        first = everybody["fold"].min()
        everybody = everybody[everybody["fold"] == first]
        caption += f" Fold {int(first)}; the others are in the table."
    yield figure(counts_figure(everybody), caption)
    yield shown.count_rows(tables.counts)


def _power(tables: CohortTables) -> Iterator[Html]:
    if tables.problem.exists:
        yield element("p", NO_TEST)
        return
    power, limits = tables.power, tables.limits
    own = power[power["attribute"] == tables.protected_attribute]
    missed = 100 * (1 - limits.power)
    rows = rows_of(own, "group", "n", "tested", "detectable")
    said = (_said(group, n, gap, missed, tested=tested) for group, n, tested, gap in rows)
    yield element("ul", *(element("li", line) for line in said))
    if own["detectable"].notna().any():
        caption = POWER.format(sd=limits.score_sd, found=100 * limits.power, limit=limits.largest_detectable_gap)
        yield figure(power_figure(own, limits.largest_detectable_gap), caption)
    yield shown.power_rows(power, tables.audit.min_group_size)


def _said(group: str, subjects: int, gap: float, missed: float, *, tested: bool) -> str:
    if tested and np.isnan(gap):
        return f"{group}: {subjects} test subjects, and no other group is large enough to compare them with"
    if np.isnan(gap):
        return f"{group}: {subjects} test subjects are too few for a verdict; a gap of any size can be missed"
    return (
        f"{group}: with {subjects} test subjects a gap below {gap:.1f} points will be missed in {missed:.3g} % of "
        "studies or more"
    )


def _measures(tables: CohortTables) -> Iterator[Html]:
    alpha, drawn = tables.audit.alpha, varying(tables.measures)
    if len(drawn):
        yield figure(measures_figure(drawn, alpha), MEASURES.format(alpha=alpha))
    yield shown.measure_rows(tables.measures)


def _geometry(tables: CohortTables) -> Iterator[Html]:
    yield shown.geometry_rows(tables.geometry)


def _pairs(tables: CohortTables) -> Iterator[Html]:
    yield shown.pair_rows(tables.pairs) if len(tables.pairs) else element("p", "None was found.")


def _missing(tables: CohortTables) -> Iterator[Html]:
    some = tables.missing[tables.missing["missing"] > 0]
    nobody = element("p", "No attribute and no label of those who take part is missing.")
    yield shown.missing_rows(some) if len(some) else nobody
