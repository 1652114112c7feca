"""The page about a cohort before any training: words, tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from math import ceil
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from faircmr.core import Omission, omissions_in
from faircmr.core.study import RECORDING, TEST, TRAIN, VALIDATION
from faircmr.fairness.cohort_checks import CohortTables, Status, rows_of, varying
from faircmr.reporting.canvas import (
    BLUE,
    INK,
    PALE_INK,
    VERMILLION,
    drawn_name,
    name_heights,
    name_rows,
    new_figure,
    to_svg,
)
from faircmr.reporting.html_page import HEADING, Html, element, figure, omission_rows, page, table

TITLE = "The cohort, before any training"
CAUTION = (
    "Can a study of this cohort answer whether a model is fair, and what could be mistaken for an answer? Nothing was "
    "trained for this page. “Pass” means that a declared limit was not crossed, not that nothing is wrong. “Not "
    "checked” means that the study does not have what the check looks at."
)
NOTHING_LEFT_OUT = "Nothing was left out: every scan, subject and structure of the data set is part of the study."
NOTHING_UNREAD = "Every scan, subject and structure of the data set was read; nothing was left out so far."
NOT_DIVIDED = (
    "The subjects cannot be divided into training, validation and test, so nothing can be trained. {problem}. What to "
    "do: {remedy}. The table below counts everybody as unused."
)
NO_TEST = "Cannot be computed: there are no test subjects as long as the subjects are not divided."
COUNTS = "Subjects by {attribute} in each part of the study. Each panel has its own scale."
POWER = (
    "Smallest gap of each group from all others that would be found in {found:.3g} % of studies, if scores have an SD "
    "of {sd:g} points over subjects. Dashed: the limit of {limit:g} points. Diamonds lie above it."
)
MEASURES = (
    "Mean (mark), SD (line, cut at the range) and range (grey) over the subjects of each group. Diamonds: another "
    "mean than all others was shown (p, Holm, at most {alpha:g}). What is the same for everybody is left out."
)
READING = {
    "What differs by group": "A subject counts once, with the mean of its scans. Each group is tested against all "
    "others by permutation, and Holm's correction counts all measures and groups of a kind (people, grids, images). "
    "Hedges' g is the difference in SD; ∞ where neither side varies. A dash: not tested, for the group is too small or "
    "the measure does not vary. Older people, another spacing or noisier images in one group can make a model look "
    "unfair that is not, and hide one that is.",
    "Image quality": "Measured in the image alone; the range is what lies between its percentiles 1 and 99. Contrast: "
    "blood pool less myocardium of the left ventricle. Noise: SD of what changes from voxel to voxel in the plane. "
    "Sharpness: steepest slope; a border that takes 2 mm from dark to bright has 0.5. Saturated: share of voxels at "
    "the largest value. At border, base, apex: share of scans whose label touches the image's side, or lies in its "
    "outermost slice at either end. Labels swapped: share of scans in which another structure than LVBP is "
    "enclosed, or by another than LVM.",
    "What the headers of the scans say": "A label is put on the grid of its image by qform and sform: flips, swapped "
    "axes and shifts by whole voxels are undone, and anything else leaves the scan out. As stored: nothing had to be "
    "undone. Not in the headers: one of the two has no usable qform and sform (or reading.grids is 'array'), and shape "
    "and spacing alone were compared. Lengths in metres (m) or micrometres (um) are converted; a header that states no "
    "unit is taken to be in millimetres.",
    "One image under two ids": "Exact: all voxels are equal. Near: the pattern of bright and dark is the same up to "
    "scale, mirroring, turning by 90 degrees, small shifts and noise. Look at both before one is removed. ED and ES of "
    "one subject are no pair. Across splits means that what was learned is tested.",
    "Power": "By the noncentral t distribution, for scores near normal and one test; the SD of the scores is an "
    "assumption, and the gap is proportional to it. A group that is not tested can be worse by any amount.",
}
"""How to read each section."""


Columns = Mapping[str, Callable[[Any], str]]
"""Heads of a table, and what makes a cell of a row."""
PARTS_OF_TABLE = ("train", "validation", "test", "unused", "total")
STATISTICS = ("mean", "sd", "minimum", "median", "maximum")
LARGEST_EFFECT = 1000.0
MOST_PAIRS = 50
"""Pairs that are listed; all of them are in the study's table."""


def check_rows(checks: pd.DataFrame) -> Html:
    """All checks, as :func:`faircmr.fairness.cohort_checks.check_cohort` makes them."""
    columns: Columns = {
        "outcome": lambda row: _outcome(str(row.status)),
        "check": lambda row: str(row.check),
        "what was found": lambda row: str(row.found),
        "what to do": lambda row: str(row.remedy),
    }
    counts = checks["status"].value_counts()
    outcomes = ", ".join(f"{counts[status]} {status}" for status in reversed(Status) if status in counts)
    return table(f"Checks: {outcomes}", list(columns), {"": _cells(checks, columns)}, "words")


def count_rows(counts: pd.DataFrame) -> Html:
    """Subjects by attribute, group, sex and part of the study."""
    columns: Columns = {"group": _text("group"), "sex": _text("sex"), **{name: _text(name) for name in PARTS_OF_TABLE}}
    return table("Subjects by group, sex and part of the study", list(columns), _bodies(counts, columns, _of_fold))


def power_rows(power: pd.DataFrame, min_group_size: int) -> Html:
    """Smallest gaps that would be found, by attribute and group."""
    columns: Columns = {
        "group": _text("group"),
        "test subjects": _text("n"),
        "by the group's own test (points)": lambda row: _number(row.detectable),
        "after Holm's correction (points)": lambda row: _number(row.detectable_holm),
        "enough for a verdict": lambda row: "yes" if row.tested else f"no, fewer than {min_group_size}",
    }
    return table("Smallest gaps that would be found", list(columns), _bodies(power, columns, _of_attribute))


def measure_rows(measures: pd.DataFrame) -> Html:
    """What is measured of people, grids and images, by group."""
    columns: Columns = {
        "group": _text("group"),
        "subjects": _text("n"),
        **{name: _significant(name) for name in STATISTICS},
        "Hedges' g": lambda row: _effect(row.hedges_g),
        "p (Holm)": lambda row: _p_value(row.p_holm),
    }
    return table("People, grids and images by group", list(columns), _bodies(measures, columns, _of_measure))


def geometry_rows(geometry: pd.DataFrame) -> Html:
    """Scans by what their headers say of labels and lengths."""
    columns: Columns = {
        "header": _text("value"),
        "scans": lambda row: f"{row.scans} of {row.total}",
    }
    return table(
        "Scans by what their headers say", list(columns), _bodies(geometry, columns, lambda row: str(row.what))
    )


def pair_rows(pairs: pd.DataFrame) -> Html:
    """Pairs of subjects that may be one, those across splits first."""
    columns: Columns = {
        "subject": _text("subject_id"),
        "and": _text("other_subject_id"),
        "phases": lambda row: "-" if pd.isna(row.phase) else f"{row.phase}, {row.other_phase}",
        "kind": _text("kind"),
        "distance": lambda row: _number(row.distance),
        "across splits": lambda row: "yes" if row.across_splits else "no",
    }
    shown = pairs.sort_values("across_splits", ascending=False, kind="stable").head(MOST_PAIRS)
    rest = len(pairs) - len(shown)
    caption = "Pairs, by study key" + (f"; {rest} more are in pairs.csv" if rest else "")
    return table(caption, list(columns), {"": _cells(shown, columns)}, "words")


def missing_rows(missing: pd.DataFrame) -> Html:
    """Values and labels that are missing, by column and group."""
    columns: Columns = {
        "column": _text("column"),
        "group": _text("group"),
        "missing": lambda row: f"{row.missing} of {row.n}",
        "share": lambda row: f"{row.percent:.1f} %",
    }
    return table("Missing values and labels", list(columns), {"": _cells(missing, columns)}, "words")


def lost_of_groups(quarantined: pd.DataFrame, omission: Omission) -> str:
    """How many subjects of each group are left out for one reason, with their share of the group.

    Args:
        quarantined: Of :func:`faircmr.fairness.cohort_checks.quarantined_by_group`.
        omission: One row of the page; of others than those in quarantine the groups are not counted.
    """
    rows = quarantined[quarantined["reason"] == omission.reason] if omission.what == "subjects" else quarantined[:0]
    groups = zip(rows["group"], rows["subjects"], rows["percent"], strict=True)
    return ", ".join(f"{group}: {n}" + ("" if pd.isna(share) else f" ({share:.1f} %)") for group, n, share in groups)


def _number(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _outcome(status: str) -> Html:
    return (
        element("span", status)
        if status in {Status.PASS, Status.UNCHECKED}
        else element("strong", status, class_="alarm")
    )


def _text(name: str) -> Callable[[Any], str]:
    return lambda row: str(getattr(row, name))


def _significant(name: str) -> Callable[[Any], str]:
    def shown(row: Any) -> str:
        value = float(getattr(row, name))
        return "-" if np.isnan(value) else f"{value:.4g}"

    return shown


def _effect(value: float) -> str:
    # where neither side varies but for rounding
    return _number(value) if np.isnan(value) or abs(value) < LARGEST_EFFECT else f"{'-' if value < 0 else ''}∞"


def _p_value(value: float) -> str:
    if np.isnan(value):
        return "-"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _of_attribute(row: Any) -> str:
    return f"by {row.attribute}"


def _of_fold(row: Any) -> str:
    return _of_attribute(row) if pd.isna(row.fold) else f"by {row.attribute}, fold {int(row.fold)}"


def _of_measure(row: Any) -> str:
    return f"{row.measure} ({row.unit})" if isinstance(row.unit, str) and row.unit else str(row.measure)


def _bodies(rows: pd.DataFrame, columns: Columns, heading: Callable[[Any], str]) -> dict[str, list[list[str]]]:
    bodies: dict[str, list[list[str]]] = {}
    for row in rows.itertuples(index=False):
        bodies.setdefault(heading(row), []).append([cell(row) for cell in columns.values()])
    return bodies


def _cells(rows: pd.DataFrame, columns: Columns) -> list[list[str]]:
    return [[cell(row) for cell in columns.values()] for row in rows.itertuples(index=False)]


PLAIN: dict[str, Any] = {"color": BLUE, "marker": "o"}
MARKED: dict[str, Any] = {"color": VERMILLION, "marker": "D"}
"""What to look at: told apart without colour."""
RULE = "#DDDDDD"
PANELS_A_ROW = 3
LONGEST_NAME = 22
ROOM_FOR_COUNT = 1.28
"""Width of a panel of counts, in lengths of its longest bar."""
PARTS = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}


def counts_figure(counts: pd.DataFrame) -> str:
    """Subjects of each group in training, validation and test, as SVG.

    Args:
        counts: Rows of one attribute and fold, sexes together: ``group``, ``train``, ``validation``, ``test``.
    """
    names = counts["group"].astype(str).tolist()
    figure = new_figure(7.6, 0.7 + 0.26 * name_heights(names, LONGEST_NAME))
    for panel, (part, title) in zip(figure.subplots(1, len(PARTS), sharey=True), PARTS.items(), strict=True):
        panel.barh(range(len(names)), counts[part], height=0.62, color=BLUE)
        for place, count in enumerate(counts[part]):
            panel.text(count, place, f" {count}", va="center", fontsize=8, color=INK)
        panel.set_xlim(0, ROOM_FOR_COUNT * max(int(counts[part].max()), 1))
        _dress(panel, title)
        panel.set_xticks([])
        panel.spines["bottom"].set_visible(False)
    _name(figure.axes[0], names)
    return to_svg(figure)


def measures_figure(measures: pd.DataFrame, alpha: float) -> str:
    """Mean, SD and range of each measure by group, as SVG.

    Args:
        measures: As :func:`faircmr.fairness.cohort_checks.compare_measures` makes it; measures that are the
            same for everybody are better left out.
        alpha: Groups with ``p_holm`` up to this are marked.
    """
    names = measures["group"].astype(str).drop_duplicates().tolist()
    panels = list(measures.groupby("measure", sort=False))
    rows = ceil(len(panels) / PANELS_A_ROW)
    figure = new_figure(8.6, rows * (0.62 + 0.2 * name_heights(names, LONGEST_NAME)))
    axes = figure.subplots(rows, PANELS_A_ROW, sharey=True, squeeze=False)
    for panel, (measure, measured) in zip(axes.ravel(), panels, strict=False):
        unit = measured["unit"].fillna("").iloc[0]
        _draw_measure(panel, measured.reset_index(drop=True), alpha)
        panel.xaxis.set_major_locator(MaxNLocator(nbins=4))
        _dress(panel, fill(f"{measure} ({unit})" if unit else str(measure), 30))
    for panel in axes.ravel()[len(panels) :]:
        panel.set_visible(False)
    _name(axes[0, 0], names)
    return to_svg(figure)


def power_figure(power: pd.DataFrame, limit: float) -> str:
    """The smallest gap of each group that would be found, as SVG.

    Args:
        power: Rows of one attribute, as :func:`faircmr.fairness.cohort_checks.detectable_gaps` makes them.
        limit: Gap in points that ought to be found.
    """
    names = power["group"].astype(str).tolist()
    figure = new_figure(6.4, 0.9 + 0.26 * name_heights(names, LONGEST_NAME))
    panel = figure.subplots()
    panel.axvline(limit, color=PALE_INK, linestyle="--", linewidth=0.9)
    for place, (n, gap) in enumerate(rows_of(power, "n", "detectable")):
        if np.isnan(gap):
            panel.text(0.03 * limit, place, f"{n} test subjects: no verdict", va="center", fontsize=8, color=INK)
            continue
        panel.hlines(place, 0, gap, color=RULE, linewidth=6)
        panel.plot([gap], [place], linestyle="none", markersize=6, **(MARKED if gap > limit else PLAIN))
        panel.text(gap + 0.04 * limit, place, f"{gap:.1f}  (n = {n})", va="center", fontsize=8, color=INK)
    panel.set_xlim(0, 1.25 * float(np.nanmax([limit, *power["detectable"]])))
    _dress(panel, "Smallest gap that would be found (points)")
    _name(panel, names)
    return to_svg(figure)


def _draw_measure(panel: Axes, table: pd.DataFrame, alpha: float) -> None:
    columns = ("mean", "sd", "minimum", "maximum", "p_holm")
    for place, (mean, sd, lowest, highest, p) in enumerate(rows_of(table, *columns)):
        look = MARKED if p <= alpha else PLAIN
        panel.hlines(place, lowest, highest, color=RULE, linewidth=5)
        # of shares half of an SD would lie where nobody can be
        low, high = max(mean - sd, lowest), min(mean + sd, highest)
        panel.hlines(place, low, high, color=look["color"], linewidth=1.4)
        panel.plot([mean], [place], linestyle="none", markersize=4.5, **look)


def _name(panel: Axes, names: list[str]) -> None:
    name_rows(panel, names, LONGEST_NAME)
    panel.set_ylim(len(names) - 0.4, -0.6)


def _dress(panel: Axes, title: str) -> None:
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.tick_params(axis="y", length=0, labelcolor=INK, labelsize=8)
    panel.tick_params(axis="x", colors=PALE_INK, labelsize=7)
    panel.set_title(drawn_name(title), fontsize=8.5, color=INK, fontweight="bold", loc="left", parse_math=False)
    panel.set_axisbelow(True)


def cohort_report(tables: CohortTables, checks: pd.DataFrame) -> str:
    """A page that says what this cohort can show.

    Args:
        tables: What is known of it.
        checks: As of :func:`faircmr.fairness.cohort_checks.check_cohort`.

    Returns:
        HTML that loads nothing and runs nothing. Pairs of scans stand there by study key. The same tables give the
        same text.
    """
    reading = (element("p", element("strong", f"{name}. "), text) for name, text in READING.items())
    body = [
        element("h1", TITLE),
        element("p", CAUTION),
        check_rows(checks.fillna("")),
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
    groups = {f"by {tables.protected_attribute}": partial(lost_of_groups, tables.quarantined)}
    yield omission_rows(steps, groups if len(tables.quarantined) else None)


def _people(tables: CohortTables) -> Iterator[Html]:
    if tables.problem.exists:
        yield element("p", NOT_DIVIDED.format(problem=tables.problem, remedy=tables.problem.remedy))
        yield count_rows(tables.counts)
        return
    everybody = tables.everybody
    caption = COUNTS.format(attribute=tables.protected_attribute)
    if everybody["fold"].notna().any():
        first = everybody["fold"].min()
        everybody = everybody[everybody["fold"] == first]
        caption += f" Fold {int(first)}; the others are in the table."
    yield figure(counts_figure(everybody), caption)
    yield count_rows(tables.counts)


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
    yield power_rows(power, tables.audit.min_group_size)


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
    yield measure_rows(tables.measures)


def _geometry(tables: CohortTables) -> Iterator[Html]:
    yield geometry_rows(tables.geometry)


def _pairs(tables: CohortTables) -> Iterator[Html]:
    yield pair_rows(tables.pairs) if len(tables.pairs) else element("p", "None was found.")


def _missing(tables: CohortTables) -> Iterator[Html]:
    some = tables.missing[tables.missing["missing"] > 0]
    nobody = element("p", "No attribute and no label of those who take part is missing.")
    yield missing_rows(some) if len(some) else nobody
