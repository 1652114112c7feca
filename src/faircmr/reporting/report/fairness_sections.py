"""Sections on the groups: how each is served, how far apart they are, who gains and who pays, and who is too few."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from faircmr.core.omissions import omissions_in
from faircmr.fairness.trade_off import pareto_front
from faircmr.reporting.audit_effects import effect_rows, matched_rows
from faircmr.reporting.audit_tables import (
    LEVELLING_DOWN,
    NO_BREAK,
    adjusted_rows,
    change_rows,
    decimal,
    disparity_rows,
    group_rows,
    interval,
    overview,
    with_reading,
)
from faircmr.reporting.audit_words import PARETO
from faircmr.reporting.canvas import to_svg
from faircmr.reporting.forest import CAPTION, forest_figure
from faircmr.reporting.html_page import Html, element, figure
from faircmr.reporting.omission_tables import HEADING
from faircmr.reporting.pareto import pareto_figure
from faircmr.reporting.report.chance import chance_of_disparity
from faircmr.reporting.report.figures import draw_changes, draw_disparity
from faircmr.reporting.report.show import bullets, sentence
from faircmr.reporting.report.study import Study, each
from faircmr.reporting.report.words import ABSENT, CAUTION, CHANGES, DISPARITY, LEFT_OUT, LEFT_OUT_ID, SMALL

UNIT = "DSC"


def summary(study: Study) -> Iterator[Html]:
    """The answer first: a line a strategy, who is levelled down, and who is too few."""
    yield element("p", CAUTION)
    if len(study.tables.omissions) and (kinds := sum(map(len, omissions_in(study.tables.omissions).values()))):
        counted = f"{kinds} kind{'s' if kinds > 1 else ''}"
        yield element("p", LEFT_OUT.format(kinds=counted), element("a", HEADING, href=f"#{LEFT_OUT_ID}"), ".")
    if study.tables.groups.empty:
        yield sentence(ABSENT["groups"])
        return
    yield overview(study.tables.groups, study.attributes)
    yield element("h3", f"By {study.protected}, strategy by strategy")
    yield bullets([*_lines(study)] or [ABSENT["few_groups"]])
    yield element("h3", "Small groups")
    yield bullets([*_small(study)])


def groups(study: Study) -> Iterator[Html]:
    """Means of groups, the protected attribute first; each further one folded away."""
    if study.tables.groups.empty:
        yield sentence(ABSENT["groups"])
        return
    first, *others = study.attributes
    yield from _by(study, first)
    for attribute in others:
        yield element("details", element("summary", f"By {attribute}"), *_by(study, attribute))


def disparity(study: Study) -> Iterator[Html]:
    """SD over groups on what chance gives, and what evenness costs."""
    own = study.of(study.tables.disparity, study.protected)
    if own.empty:
        yield sentence(ABSENT["groups"] if study.tables.groups.empty else ABSENT["few_groups"])
        return
    yield figure(to_svg(draw_disparity(study)), DISPARITY.format(attribute=study.protected, **study.words))
    yield disparity_rows(own, UNIT)
    if len(own) > 1:
        points = own.rename(columns={"model": "strategy"})
        points["pareto"] = pareto_front(points["mean"], points["SD"])
        yield figure(pareto_figure(points, study.baseline), PARETO.format(attribute=study.protected))


def changes(study: Study) -> Iterator[Html]:
    """What each strategy gives and takes."""
    own = study.of(study.tables.changes, study.protected)
    apart = study.of(study.tables.disparity, study.protected)
    if own.empty or apart.empty:
        yield sentence(ABSENT[_without_changes(study)])
        return
    yield figure(to_svg(draw_changes(study)), CHANGES.format(baseline=study.baseline, **study.words))
    yield change_rows(with_reading(own, apart, study.baseline), study.baseline)


def _without_changes(study: Study) -> str:
    """Why no strategy can be compared with the baseline: a key of ``ABSENT``."""
    if study.tables.groups.empty:
        return "groups"
    return "changes" if study.tables.groups["model"].nunique() == 1 else "few_groups"


def _by(study: Study, attribute: str) -> Iterator[Html]:
    own, apart = (study.of(table, attribute) for table in (study.tables.groups, study.tables.disparity))
    if apart.empty:
        yield sentence(ABSENT["few_groups"])
    else:
        caption = CAPTION.format(attribute=attribute, **study.words)
        yield figure(forest_figure(own, apart, f"{UNIT} (%)"), caption)
    yield group_rows(own, UNIT)
    yield effect_rows(own)
    adjusted, matched = (study.of(table, attribute) for table in (study.tables.adjusted, study.tables.matched))
    if len(adjusted):
        yield adjusted_rows(adjusted)
    if len(matched):
        yield matched_rows(matched)


def _lines(study: Study) -> Iterator[Html]:
    own = study.of(study.tables.disparity, study.protected)
    chance = chance_of_disparity(study.of(study.tables.groups, study.protected), study.audit.confidence)
    upper = dict(zip(chance["model"], chance["upper"], strict=True))
    for row in each(own):
        said = (
            f": Avg {decimal(row.Avg)}{NO_BREAK}% ({interval(row.Avg_low, row.Avg_high)}), SD {decimal(row.SD)} points "
            f"({interval(row.SD_low, row.SD_high)}; by chance alone up to {decimal(upper.get(row.model, np.nan))}), "
            f"SER {decimal(row.SER)}; may be the worst: {row.may_be_worst}. "
        )
        yield element("span", element("strong", str(row.model)), said, *_alarm(study, str(row.model)))


def _alarm(study: Study, strategy: str) -> Iterator[Html]:
    changes = study.of(study.tables.changes, study.protected)
    if changes.empty:
        return
    read = with_reading(changes, study.of(study.tables.disparity, study.protected), study.baseline)
    down = read[(read["model"] == strategy) & read["reading"].str.contains(LEVELLING_DOWN)]
    if len(down):
        lost = ", ".join(f"{group} {decimal(by)}" for group, by in zip(down["group"], down["change"], strict=True))
        yield element("strong", f"{LEVELLING_DOWN.capitalize()}: {lost} points.", class_="alarm")


def _small(study: Study) -> Iterator[str]:
    """In plain words what cannot be known of each protected group; of the strategy that is told most about."""
    own = study.of(study.tables.groups, study.protected)
    least = study.audit.min_group_size
    for group, rows in own.groupby("group", sort=False):
        scored, known = int(rows["n"].max()), rows[rows["detectable"].notna()].sort_values("detectable", kind="stable")
        words = {"group": str(group), "n": scored, "least": least}
        if scored == 0:
            yield SMALL["unscored"].format(**words)
        elif scored < least:
            yield SMALL["few"].format(**words)
        elif known.empty:
            yield SMALL["alone"].format(**words)
        else:
            best = each(known)[0]
            yield SMALL["detectable"].format(gap=decimal(best.detectable), strategy=best.model, **words)
