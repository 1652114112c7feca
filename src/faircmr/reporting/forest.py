"""Mean of every group with its interval, model beside model."""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from faircmr.fairness.inference.verdict import Verdict
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

RULE = "#DDDDDD"
MOST_COLUMNS = 2
LONGEST_LINE = 24
"""Letters of a group's name before it is broken."""
LONGEST_TITLE = 36
"""The same of a model's name."""
ROOM = 0.06
"""Beside the intervals, in lengths of the axis."""
TOO_FEW = "too few subjects"
CAPTION = (
    "Mean of each group by {attribute} with its {confidence} interval. Dashed: mean of all subjects of the model. A "
    "line that runs out of the frame ends at 0 or at 100: nothing bounds it."
)
MARKERS: dict[str, dict[str, Any]] = {
    Verdict.DIFFERENT: {"marker": "o", "color": VERMILLION},
    Verdict.DIFFERENT_WITHIN_MARGIN: {"marker": "D", "color": VERMILLION, "markerfacecolor": "white"},
    Verdict.EQUIVALENT: {"marker": "s", "color": BLUE},
    Verdict.INSUFFICIENT_EVIDENCE: {"marker": "o", "color": BLUE, "markerfacecolor": "white"},
    TOO_FEW: {"marker": "x", "color": PALE_INK},
}
"""What is said of a group: told apart without colour."""


def forest_figure(groups: pd.DataFrame, disparity: pd.DataFrame, unit: str) -> str:
    """Mean of each group with its interval, one panel a model.

    Args:
        groups: Rows of one attribute, as :func:`faircmr.fairness.audit.group_table.group_table` makes them: ``model``,
            ``group``, ``mean``, ``low``, ``high`` (percent, both NaN for a group that is too small) and ``verdict``.
        disparity: Rows of the same attribute, as :func:`faircmr.fairness.audit.disparity_table.disparity_table` makes
            them: ``model`` and ``mean`` of all subjects (percent).
        unit: Below the axis, e.g. ``DSC (%)``.

    Returns:
        SVG. All panels have one axis; the dashed line is the mean of all subjects. The axis does not reach out to
        intervals that end at 0 or at 100: they leave the frame.
    """
    return to_svg(draw_forest(groups, disparity, unit))


def draw_forest(groups: pd.DataFrame, disparity: pd.DataFrame, unit: str) -> Figure:
    """The same as a figure; arguments as for :func:`forest_figure`."""
    means = dict(zip(disparity["model"].astype(str), disparity["mean"].astype(float), strict=True))
    names = list(dict.fromkeys(groups["group"].astype(str)))
    columns = min(len(means), MOST_COLUMNS)
    rows = ceil(len(means) / columns)
    figure = new_figure(7.2, 0.6 + rows * (0.6 + 0.2 * name_heights(names, LONGEST_LINE)))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, (model, mean) in zip(panels, means.items(), strict=False):
        _draw_model(panel, groups[groups["model"].astype(str) == model], names, mean)
        title = drawn_name(model, LONGEST_TITLE)
        panel.set_title(title, fontsize=9, color=INK, fontweight="bold", loc="left", parse_math=False)
    for panel in panels[len(means) - columns : len(means)]:
        panel.set_xlabel(drawn_name(unit), fontsize=8, color=INK, parse_math=False)
    for panel in panels[len(means) :]:
        panel.set_visible(False)
    name_rows(panels[0], names, LONGEST_LINE)
    panels[0].set(xlim=_limits(groups), ylim=(len(names) - 0.4, -0.6))
    figure.legend(handles=_legend(groups), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw_model(panel: Axes, rows: pd.DataFrame, names: list[str], mean: float) -> None:
    panel.axvline(mean, color=PALE_INK, linewidth=0.9, linestyle="--", zorder=1)
    for group, kind, place, low, high in zip(
        rows["group"].astype(str), _kinds(rows), rows["mean"], rows["low"], rows["high"], strict=True
    ):
        panel.hlines(names.index(group), low, high, color=MARKERS[kind]["color"], linewidth=1.4, zorder=2)
        panel.plot([place], [names.index(group)], linestyle="none", markersize=5.5, zorder=3, **MARKERS[kind])
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.tick_params(axis="y", length=0, labelcolor=INK, labelsize=8)
    panel.tick_params(axis="x", colors=PALE_INK, labelsize=8, labelbottom=True)
    panel.grid(axis="x", color=RULE, linewidth=0.8)
    panel.set_axisbelow(True)


def _kinds(groups: pd.DataFrame) -> list[str]:
    return groups["verdict"].astype(str).where(groups["low"].notna(), TOO_FEW).tolist()


def _limits(groups: pd.DataFrame) -> tuple[float, float]:
    """An interval that knows of no bound must not squeeze those that do."""
    ends = groups[["low", "high"]].to_numpy(dtype=float).ravel()
    shown = np.concatenate([groups["mean"].to_numpy(dtype=float), ends[(ends > 0.0) & (ends < 100.0)]])
    room = max(ROOM * float(np.ptp(shown)), 0.1)
    return float(shown.min()) - room, float(shown.max()) + room


def _legend(groups: pd.DataFrame) -> list[Line2D]:
    present = set(_kinds(groups))
    marks = [Line2D([], [], linestyle="none", label=kind, **look) for kind, look in MARKERS.items() if kind in present]
    return [*marks, Line2D([], [], color=PALE_INK, linestyle="--", linewidth=0.9, label="mean of all subjects")]
