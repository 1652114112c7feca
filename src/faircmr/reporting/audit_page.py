"""HTML report of an audit: whether models are fair, with confidence intervals and verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from faircmr.fairness.audit import INTERSECTION_SEPARATOR, Audit, AuditParameters
from faircmr.fairness.inference import Verdict
from faircmr.fairness.tables import pareto_front
from faircmr.reporting.audit_tables import (
    LEVELLING_DOWN,
    NO_BREAK,
    adjusted_rows,
    change_rows,
    decimal,
    disparity_rows,
    effect_rows,
    group_rows,
    interval,
    matched_rows,
    overview,
    p_value,
    question_words,
    with_reading,
)
from faircmr.reporting.figures import CAPTION, forest_figure, pareto_figure
from faircmr.reporting.html_page import HEADING, Html, element, figure, omission_section, page, together, unscored_rows

CAUTION = (
    "Is every group segmented as well as the others, and how sure is that? "
    "“Insufficient evidence” means that neither a difference nor its absence was shown: it does not mean fair. "
    "Only “equivalent” says that a group is served as the others are, to within the margin that was declared. "
)
NOTHING_LEFT_OUT = (
    "Nothing was left out: every scored subject is in the demographics with all attributes and covariates that were "
    "asked for, and every subject of the demographics has a score."
)
UNSCORED = (
    "If the model was to segment these subjects, a missing prediction is a failure, and the means on this page are "
    "without it."
)
PARETO = (
    "Mean against SD over groups by {attribute}. To the right is better for all, below is more even. These are "
    "estimates without their intervals: what lies close together is not told apart."
)
READING = {
    "Verdicts": "Each group is compared with all other subjects. Different: a difference was shown (p, Holm, at most "
    "{alpha}). Equivalent: a difference of {margin} or more was ruled out (equivalence p, Holm, at most "
    "{alpha}). Different, within the margin: both. Insufficient evidence: neither, or fewer than {least} subjects; it "
    "never means fair. The smallest detectable difference would be found by one group's test by itself "
    "(before Holm's correction) in 4 of 5 studies of this size.",
    "Disparity": "Avg is the mean of the groups, each counted once. SD is the spread of group means, SER the largest "
    "error over the smallest, gap the best less the worst group. By chance alone all three are above their least value "
    "(0, 1 and 0), the more so the smaller the groups; SD less noise takes that away on average. SD and SER alone rank "
    "nothing: a model that serves everybody badly can have the lowest. Omnibus p: how often groups would look at least "
    "this unequal if all were equal. Equity-scaled by SD: D / (1 + SD), by deviations: D / (1 + sum |D - D_g|), with D "
    "in 0..1 of all subjects and D_g of a group; both share that weakness and cannot be compared with each other.",
    "Groups": "Mean over the subjects of a group; p is of a permutation test against all others, and Holm's correction "
    "counts all groups and models of the attribute. A dash: too few subjects, or scores that do not vary.",
    "Size": "Hedges' g is the difference from all others in units of the spread between subjects; where one side is "
    "much the larger, of that side. Chance of the higher score: of one person of the group and one of all others, "
    "both drawn by lot, how often the first is scored higher, ties counted half; 50 % is even. Both say how far "
    "people overlap; their intervals are approximate where groups are small, and verdicts rest on the tests above. "
    "Whether a difference matters is for the margin to say, not for its size in SDs.",
    "Changes": "Each subject is compared with itself under the baseline. Higher or lower: the interval holds no 0. "
    "Levelling down: a group is served worse while SD has fallen, so that evenness was bought with somebody's loss. "
    "Worst group: whichever is the worst before and after. Not paired: subjects that one of both models did not score. "
    "Intervals are over new trainings too where model and baseline were trained equally often, three times at least; "
    "otherwise they are conditional on these trained models. p always is, and errs where changes are skewed and "
    "subjects few (20 % instead of 5 % for nine subjects of skewness -4): read the interval.",
    "Covariates": "One linear model an adjustment, of subjects of whom all is recorded. What vanishes is explained, "
    "and is still there for those people: mediators (the size of a heart) are ways in which a group may be worse off.",
    "Pairs": "Each member of a group beside one of all others, of the same category in every covariate and within "
    "half an SD in every number; nobody is used twice. Members without anybody like them are left out: with few pairs "
    "of many members the row is of other people than the group. A group of more than half cannot have a pair for "
    "each. Pairs are alike in what was recorded and in nothing else. Imbalance: difference of means in SDs, also in "
    "mediators that pairs were not matched on; named from 0.1 on. p is of the paired t test, approximate for few or "
    "skewed pairs; with fewer pairs than {least} there is none.",
    "Intervals": "A {confidence} interval holds the true value in about {confidence} of such studies, within what its "
    "scope names. Those of SD, SER, gap and worst group hold at once, and are wide for it. ∞: the data give no bound.",
}
"""How to read each table, in the words of the questions."""


DSC = "dsc"
PERCENT = f"{NO_BREAK}%"
READING_ID = "how-to-read"


@dataclass(frozen=True)
class _Page:
    """What every section speaks of."""

    found: Audit
    parameters: AuditParameters

    @property
    def unit(self) -> str:
        return "DSC" if self.parameters.metric == DSC else self.parameters.metric

    @property
    def attributes(self) -> list[str]:
        """The protected one first, pairs last."""
        present = list(dict.fromkeys(self.found.groups["attribute"]))
        order = [*self.parameters.attributes, *present]
        return sorted(present, key=lambda name: (self.is_pair(name), order.index(name)))

    @property
    def words(self) -> dict[str, str]:
        """What sentences need to know of the questions."""
        return question_words(self.parameters)

    def is_pair(self, attribute: str) -> bool:
        return INTERSECTION_SEPARATOR in attribute and attribute not in self.parameters.attributes


def audit_report(found: Audit, parameters: AuditParameters, title: str) -> str:
    """A page that says how every group is served by every model, and how sure that is.

    Args:
        found: Of :func:`faircmr.fairness.audit.auditing`.
        parameters: What it was asked.
        title: Heading of the page.

    Returns:
        HTML that loads nothing and runs nothing; it holds no id of a subject. The same audit gives the same text.
    """
    whole = _Page(found, parameters)
    sections = [_section(whole, attribute) for attribute in whole.attributes]
    return str(page(title, [element("h1", title), *_summary(whole), *sections, _how_to_read(whole)]))


def _summary(whole: _Page) -> Iterator[Html]:
    yield element("p", CAUTION, element("a", "How to read the tables", href=f"#{READING_ID}"))
    yield overview(whole.found.groups, whole.attributes)
    yield element("h3", HEADING)
    yield from omission_section({"": whole.found.omissions}, NOTHING_LEFT_OUT)
    if len(whole.found.unscored):
        yield unscored_rows(whole.found.unscored)
        yield element("p", UNSCORED)
    yield _questions(whole)
    if whole.found.notes:
        yield element("h3", "To be said beside it")
        yield element("ul", *(element("li", note) for note in whole.found.notes))


def _questions(whole: _Page) -> Html:
    asked, disparity = whole.parameters, whole.found.disparity
    scopes = disparity.groupby("scope", sort=False)["model"].unique()
    facts = {
        "Models": ", ".join(dict.fromkeys(whole.found.groups["model"])),
        **{f"By {name}": _divided(rows) for name, rows in disparity.groupby("attribute", sort=False)},
        "Metric": f"{whole.unit}, mean of a subject's phases and structures",
        "Baseline": whole.found.baseline,
        **_held_equal(whole.found),
        "Margin": f"a group that is less than {whole.words['margin']} from all others counts as equal",
        "alpha": f"{whole.words['alpha']}, after Holm's correction; intervals of {whole.words['confidence']}",
        "Least size of a group": f"{asked.min_group_size} subjects",
        "Draws": f"{asked.draws} each of bootstrap and permutations, seed {asked.seed}",
        "Intervals": "; ".join(f"{scope} ({', '.join(models)})" for scope, models in scopes.items()),
    }
    pairs = (element(tag, text) for fact in facts.items() for tag, text in zip(("dt", "dd"), fact, strict=True))
    return together([element("h3", "Questions, declared before the scores were looked at"), element("dl", *pairs)])


def _held_equal(found: Audit) -> dict[str, str]:
    named = {"Held equal": found.covariates, "And in a second step (mediators)": found.mediators}
    return {name: ", ".join(chosen) for name, chosen in named.items() if chosen}


def _divided(rows: pd.DataFrame) -> str:
    subjects, groups = (
        " to ".join(dict.fromkeys(f"{end}" for end in (rows[name].min(), rows[name].max()))) for name in ("n", "groups")
    )
    return f"{subjects} subjects in {groups} groups that are large enough"


def _section(whole: _Page, attribute: str) -> Html:
    heading = f"By {attribute}"
    content = together(_contents(whole, attribute))
    if whole.is_pair(attribute):
        return element("details", element("summary", heading), content)
    return element("section", element("h2", heading), content)


def _contents(whole: _Page, attribute: str) -> Iterator[Html]:
    found = whole.found
    disparity, groups, changes, adjusted, matched = (
        table[table["attribute"] == attribute]
        for table in (found.disparity, found.groups, found.changes, found.adjusted, found.matched)
    )
    if disparity.empty:
        yield element("p", f"{Verdict.INSUFFICIENT_EVIDENCE}: no two groups are large enough to be compared.")
        yield group_rows(groups, whole.unit)
        return
    baseline = whole.found.baseline
    changes = with_reading(changes, disparity, baseline)
    for row in disparity.itertuples(index=False):
        of_model = (table[table["model"] == row.model] for table in (groups, changes))
        yield element("h3", str(row.model))
        yield element("ul", *_verdict(whole, row, *of_model))
    caption = CAPTION.format(attribute=attribute, **whole.words)
    yield figure(forest_figure(groups, disparity, f"{whole.unit} (%)"), caption)
    yield disparity_rows(disparity, whole.unit)
    yield group_rows(groups, whole.unit)
    yield effect_rows(groups)
    if len(changes):
        yield change_rows(changes, baseline)
    if len(adjusted):
        yield adjusted_rows(adjusted)
    if len(matched):
        yield matched_rows(matched)
    # the figure's axes name the DSC
    if attribute == whole.attributes[0] and len(disparity) > 1 and whole.parameters.metric == DSC:
        points = disparity.rename(columns={"model": "strategy"})
        points["pareto"] = pareto_front(points["mean"], points["SD"])
        yield figure(pareto_figure(points, baseline), PARETO.format(attribute=attribute))


def _verdict(whole: _Page, row: Any, groups: pd.DataFrame, changes: pd.DataFrame) -> Iterator[Html]:
    for verdict in Verdict:
        rows = groups[groups["verdict"] == verdict].itertuples(index=False)
        if said := [_said(whole, group) for group in rows]:
            yield _item(element("strong", str(verdict)), said)
    lower: Iterable[Any] = changes[changes["reading"].str.contains(LEVELLING_DOWN)].itertuples(index=False)
    if said := [f"{one.group}: {decimal(one.change)} points ({interval(one.low, one.high)})" for one in lower]:
        yield _item(element("strong", f"{LEVELLING_DOWN} since the baseline, while SD fell", class_="alarm"), said)
    sd = f"SD {decimal(row.SD)} points ({interval(row.SD_low, row.SD_high)})"
    yield element("li", f"all groups: omnibus p {p_value(row.p_omnibus)}; {sd}; may be the worst: {row.may_be_worst}")


def _item(heading: Html, lines: Sequence[str]) -> Html:
    return element("li", heading, element("ul", *(element("li", line) for line in lines)))


def _said(whole: _Page, group: Any) -> str:
    least = whole.parameters.min_group_size
    if group.n < least:
        return f"{group.group}: n = {group.n}, fewer than {least}"
    side = "below" if group.difference < 0.0 else "above"
    apart = f"{decimal(abs(group.difference))} points {side} all others"
    mean = f"mean {decimal(group.mean, 1)}{PERCENT} ({interval(group.low, group.high, 1)})"
    shown = {
        Verdict.EQUIVALENT: f"equivalence p (Holm) {p_value(group.p_equivalence_holm)}",
        Verdict.INSUFFICIENT_EVIDENCE: f"smallest detectable difference {decimal(group.detectable)}{NO_BREAK}points",
    }
    return f"{group.group}: {apart}; {mean}; {shown.get(group.verdict, f'p (Holm) {p_value(group.p_holm)}')}"


def _how_to_read(whole: _Page) -> Html:
    paragraphs = (
        element("p", element("strong", f"{name}. "), text.format(**whole.words)) for name, text in READING.items()
    )
    return element("section", element("h2", "How to read", id=READING_ID), *paragraphs)
