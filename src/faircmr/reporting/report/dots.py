"""Rows of marks with lines, panel beside panel: one look for whatever has an estimate and two ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from faircmr.reporting.canvas import BLUE, INK, PALE_INK, VERMILLION, drawn_name, name_heights, name_rows, new_figure

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
