"""Figures of the fairness report, and cases as images with two sets of contours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

from faircmr.core.scans import Cohort, LabelImage, Phase, PredictionKey, Predictions, Scan, Structure
from faircmr.reporting import (
    BLUE,
    INK,
    LEVELLING_DOWN,
    PALE_INK,
    VERMILLION,
    GalleryExample,
    contour_legend,
    draw_contours,
    draw_image,
    drawn_name,
    mid_ventricular_slice,
    name_heights,
    name_rows,
    new_figure,
    to_jpeg,
    with_reading,
)
from faircmr.reporting.report.study import Study, each
from faircmr.reporting.report.tables import chance_of_disparity
from faircmr.reporting.report.words import AXES

RULE, BAND = "#DDDDDD", "#C9C9C9"
MOST_COLUMNS = 3
LONGEST_LINE, LONGEST_TITLE = 24, 36
"""Characters of a name before it is broken: left of its row, and above its panel."""
LOOKS: Mapping[str, dict[str, Any]] = {
    "plain": {"marker": "o", "color": BLUE},
    "hollow": {"marker": "o", "color": BLUE, "markerfacecolor": "white"},
    "marked": {"marker": "D", "color": VERMILLION},
    "alarm": {"marker": "v", "color": VERMILLION, "markerfacecolor": "white", "markersize": 7},
}
"""Told apart without colour."""


@dataclass(frozen=True)
class Dot:
    """One row.

    Attributes:
        name: Left of it.
        value: Where the mark stands; NaN leaves the row empty.
        low: Where its line begins; NaN where there is none.
        high: Where it ends.
        look: A key of :data:`LOOKS`.
        band: Where a grey band from 0 ends; NaN where there is none.
    """

    name: str
    value: float
    low: float = np.nan
    high: float = np.nan
    look: str = "plain"
    band: float = np.nan


@dataclass(frozen=True)
class Legend:
    """What is said of the marks.

    Attributes:
        axis: Below each panel, with its unit.
        looks: What each look means; those that do not occur are left out.
        reference: Where a dashed line stands; NaN where there is none.
        band: What the grey band means; empty where there is none.
    """

    axis: str
    looks: Mapping[str, str]
    reference: float = np.nan
    band: str = ""


def draw_dots(panels: Mapping[str, Sequence[Dot]], legend: Legend) -> Figure:
    """Draw them.

    Args:
        panels: Rows by the title of their panel, at least one; all panels name the same rows in the same order.
        legend: What they mean.

    Returns:
        The figure; all panels have one axis.
    """
    names = [dot.name for dot in next(iter(panels.values()))]
    columns = min(len(panels), MOST_COLUMNS)
    rows = ceil(len(panels) / columns)
    figure = new_figure(7.6, 0.7 + rows * (0.62 + 0.2 * name_heights(names, LONGEST_LINE)))
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for panel, (title, dots) in zip(axes.ravel(), panels.items(), strict=False):
        _draw(panel, dots, legend.reference)
        panel.set_title(
            drawn_name(title, LONGEST_TITLE), fontsize=9, color=INK, fontweight="bold", loc="left", parse_math=False
        )
        panel.set_xlabel(drawn_name(legend.axis), fontsize=8, color=INK, parse_math=False)
    for panel in axes.ravel()[len(panels) :]:
        panel.set_visible(False)
    name_rows(axes[0, 0], names, LONGEST_LINE)
    axes[0, 0].set_ylim(len(names) - 0.4, -0.6)
    present = {dot.look for dots in panels.values() for dot in dots if not np.isnan(dot.value)}
    figure.legend(handles=_handles(legend, present), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw(panel: Axes, dots: Sequence[Dot], reference: float) -> None:
    if not np.isnan(reference):
        panel.axvline(reference, color=PALE_INK, linewidth=0.9, linestyle="--", zorder=1)
    for place, dot in enumerate(dots):
        look = LOOKS[dot.look]
        if not np.isnan(dot.band):
            panel.barh(place, dot.band, height=0.66, color=BAND, zorder=1)
        panel.hlines(place, dot.low, dot.high, color=look["color"], linewidth=1.4, zorder=2)
        panel.plot([dot.value], [place], linestyle="none", zorder=3, **{"markersize": 5.5, **look})
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.tick_params(axis="y", length=0, labelcolor=INK, labelsize=8)
    panel.tick_params(axis="x", colors=PALE_INK, labelsize=8, labelbottom=True)
    panel.grid(axis="x", color=RULE, linewidth=0.8)
    panel.set_axisbelow(True)


def _handles(legend: Legend, present: set[str]) -> list[Any]:
    marks = [
        Line2D([], [], linestyle="none", label=text, **{"markersize": 5.5, **LOOKS[look]})
        for look, text in legend.looks.items()
        if look in present
    ]
    return [*marks, *([Patch(color=BAND, label=legend.band)] if legend.band else [])]


HEADINGS = {
    "cohort": "who trains",
    "sampler": "who is in a batch",
    "objective": "what is minimised",
    "stages": "which fits",
    "input": "what is seen",
    "output": "how labels are made",
}
WIDTH, HEIGHT, GAP = 1.06, 0.72, 0.16
"""Of a box, and between two, in units of the drawing."""
CHANGED, SAME = "#D9ECF7", "#F4F4F4"
LETTERS = 15


def draw_strategies(choices: pd.DataFrame) -> Figure:
    """One row a strategy, one box an axis, from the cohort to the label; what the first row does not do is filled.

    Args:
        choices: As :func:`~faircmr.reporting.report.strategy_choices` makes it, the baseline first.
    """
    figure = new_figure(7.6, 0.5 + 0.5 * len(choices))
    panel = figure.subplots()
    panel.set_axis_off()
    for column, axis in enumerate(AXES):
        panel.text(_left(column) + WIDTH / 2, -0.72, HEADINGS[axis], ha="center", fontsize=7.5, color=PALE_INK)
    for row, (strategy, control) in enumerate(zip(choices["strategy"], choices["control"].fillna(""), strict=True)):
        name = f"{drawn_name(str(strategy).replace('_', ' '), 22)}\n{'(control)' if control else ''}".strip()
        panel.text(
            -0.15, row, name, ha="right", va="center", fontsize=8, color=INK, fontweight="bold", parse_math=False
        )
        for column, axis in enumerate(AXES):
            chosen = str(choices[axis].iloc[row])
            _box(panel, (column, row), chosen, changed=chosen != str(choices[axis].iloc[0]))
    panel.set(xlim=(-1.4, _left(len(AXES))), ylim=(len(choices) - 0.5, -1.0))
    return figure


def _left(column: int) -> float:
    return column * (WIDTH + GAP)


def _box(panel: Axes, place: tuple[int, int], text: str, changed: bool) -> None:  # noqa: FBT001 - what is drawn
    column, row = place
    edge = BLUE if changed else "#CCCCCC"
    box = FancyBboxPatch(
        (_left(column), row - HEIGHT / 2),
        *(WIDTH, HEIGHT),
        boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=CHANGED if changed else SAME,
        edgecolor=edge,
        linewidth=1.6 if changed else 0.8,
    )
    panel.add_patch(box)
    weight = "bold" if changed else "normal"
    centre = _left(column) + WIDTH / 2
    panel.text(
        *(centre, row, drawn_name(text, LETTERS)),
        ha="center",
        va="center",
        fontsize=6.2,
        color=INK,
        fontweight=weight,
        parse_math=False,
    )
    if column + 1 < len(AXES):
        ends = ((_left(column) + WIDTH, row), (_left(column + 1), row))
        panel.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=7, color=PALE_INK, linewidth=0.8))


NAN = math.nan
LOOK_OF_READING = {"higher": "plain", "lower": "marked", f"lower: {LEVELLING_DOWN}": "alarm"}


def draw_disparity(study: Study) -> Figure:
    """SD over protected groups of every strategy with its interval, on what chance alone would give."""
    disparity = study.of(study.tables.disparity, study.protected)
    chance = chance_of_disparity(study.of(study.tables.groups, study.protected), study.audit.confidence)
    bands = dict(zip(chance["model"], chance["upper"], strict=True))
    dots = [
        Dot(
            str(row.model),
            float(row.SD),
            float(row.SD_low),
            float(row.SD_high),
            "marked" if row.p_omnibus <= study.audit.alpha else "hollow",
            bands.get(str(row.model), NAN),
        )
        for row in each(disparity)
    ]
    legend = Legend(
        "SD over groups (points)",
        {"marked": "more than chance (omnibus test)", "hollow": "no more than chance was shown"},
        band=f"chance alone, in {100 * study.audit.confidence:.3g} % of studies",
    )
    return draw_dots({f"Disparity by {study.protected}": dots}, legend)


def draw_changes(study: Study) -> Figure:
    """Change of every protected group since the baseline, one panel a strategy."""
    disparity = study.of(study.tables.disparity, study.protected)
    changes = with_reading(study.of(study.tables.changes, study.protected), disparity, study.baseline)
    panels = {
        str(model): [
            Dot(
                str(row.group),
                float(row.change),
                float(row.low),
                float(row.high),
                LOOK_OF_READING.get(row.reading, "hollow"),
            )
            for row in each(rows)
        ]
        for model, rows in changes.groupby("model", sort=False)
    }
    words = {
        "plain": "higher",
        "marked": "lower",
        "alarm": "lower, while SD fell: levelling down",
        "hollow": "insufficient evidence",
    }
    return draw_dots(panels, Legend(f"change since {study.baseline} (points)", words, reference=0.0))


def draw_surface(study: Study) -> Figure:
    """HD95 of every protected group, mean over structures, one panel a strategy."""
    table = study.tables.surface
    rows = table[table["metric"] == "hd95"].groupby(["strategy", "group"], sort=False)[["median", "low", "high"]].mean()
    panels: dict[str, list[Dot]] = {}
    for row in each(rows.reset_index()):
        panels.setdefault(str(row.strategy), []).append(Dot(str(row.group), row.median, row.low, row.high))
    return draw_dots(panels, Legend("HD95 (mm)", {"plain": "median, and quartiles over subjects"}))


def draw_agreement(study: Study, measure: str) -> Figure:
    """Bias and limits of agreement of one clinical measure by group, one panel a strategy; of the first seed."""
    table = first_seed(study.tables.agreement)
    table = table[table["measure"] == measure]
    panels = {
        str(strategy): [
            Dot(str(row.group), float(row.bias), float(row.lower_limit), float(row.upper_limit)) for row in each(rows)
        ]
        for strategy, rows in table.groupby("strategy", sort=False)
    }
    unit = str(table["unit"].iloc[0])
    legend = Legend(
        f"{measure}, predicted minus reference ({unit})", {"plain": "bias, and limits of agreement"}, reference=0.0
    )
    return draw_dots(panels, legend)


def first_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first training seed of each strategy, or of all seeds together where that is what there is."""
    seeds = table["seed"].fillna(-1)
    return table[seeds == seeds.groupby(table["strategy"]).transform("min")]


REFERENCE: Mapping[str, Any] = {"colors": ["white"], "linewidths": 1.9}
"""Below the prediction: where both agree, a coloured line lies in a white one."""
LONGEST_GROUP = 16
"""Characters of a group's name before it is broken."""


def overlay_picture(rows: pd.DataFrame, cohort: Cohort, predictions: Predictions) -> bytes:
    """Cases of one strategy: image, contours of reference and prediction, and the lowest DSC below.

    Args:
        rows: Of one strategy, as :func:`~faircmr.reporting.report.extreme_cases` makes them.
        cohort: Where images and references are read from.
        predictions: Of the strategy.

    Returns:
        JPEG with a column a group, the best above the worst.
    """
    groups, lines = list(dict.fromkeys(rows["group"])), sorted(set(zip(rows["which"], rows["place"], strict=True)))
    figure = new_figure(1.35 * max(len(groups), 3), 0.35 + 1.55 * len(lines))
    axes = figure.subplots(len(lines), len(groups), squeeze=False)
    for panel in axes.ravel():
        panel.set(xticks=[], yticks=[], frame_on=False)
    for panel, group in zip(axes[0], groups, strict=True):
        panel.set_title(drawn_name(group, LONGEST_GROUP), color=INK, fontsize=9, fontweight="bold", parse_math=False)
    for panel, (which, _) in zip(axes[:, 0], lines, strict=True):
        panel.set_ylabel(which, color=INK, fontsize=9)
    shown = []
    for row in rows.itertuples(index=False):
        panel = axes[lines.index((row.which, row.place)), groups.index(row.group)]
        shown.append(_draw_case(panel, row, cohort, predictions))
    legend = [Line2D([], [], color="#BBBBBB", linewidth=3, label="reference (white)"), *contour_legend(shown)]
    figure.legend(handles=legend, loc="outside lower center", ncols=4, frameon=False, fontsize=8, labelcolor=PALE_INK)
    return to_jpeg(figure)


def _slice_that_differs(scan: Scan, predicted: LabelImage, structure: Structure) -> int:
    """Slice with most pixels that one of prediction and reference shows alone; the middle one where they agree."""
    if scan.label is not None:
        pixels = ((scan.label == structure) != (predicted == structure)).sum(axis=(1, 2))
        if pixels.any():
            return int(pixels.argmax())
    return mid_ventricular_slice(scan)


def _draw_case(panel: Axes, row: Any, cohort: Cohort, predictions: Predictions) -> GalleryExample:
    phase = Phase(row.phase)
    scan = cohort.read(row.subject_id, phase)
    seed, fold = (None if pd.isna(one) else int(one) for one in (row.seed, row.fold))
    predicted = predictions[PredictionKey(seed, fold, row.subject_id, phase)].label
    place, spacing = _slice_that_differs(scan, predicted, Structure[row.structure]), scan.geometry.spacing[1:]
    draw_image(panel, scan, place)
    if scan.label is not None:
        draw_contours(panel, scan.label[place], spacing, REFERENCE)
    draw_contours(panel, predicted[place], spacing, {"linewidths": 0.8})
    panel.set_xlabel(f"{row.phase} {row.structure} {100 * row.dsc:.1f} %", color=INK, fontsize=8)
    drawn = replace(
        scan, label=np.where(scan.label == 0, predicted, scan.label) if scan.label is not None else predicted
    )
    return GalleryExample(str(row.group), {phase: drawn})
