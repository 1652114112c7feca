"""Figures of tables: demographics, group means with intervals, and mean against disparity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import ceil
from textwrap import shorten
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from faircmr.fairness.inference import Verdict
from faircmr.reporting.canvas import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PALE_INK,
    SKY_BLUE,
    VERMILLION,
    drawn_name,
    name_heights,
    name_rows,
    new_figure,
    to_svg,
)

SEX_COLOURS = (ORANGE, SKY_BLUE, GREEN, VERMILLION)
RULE = "#DDDDDD"
LONGEST_LINE = 32
"""Characters of a group's name before it is broken."""
MOST_IN_BAR = 12
"""Characters of a sex within its bar."""
BAR = 0.62
"""Height of a bar; the distance between two is 1."""
ROOM_FOR_LABEL = 1.6
"""Width of the panel of sizes, in lengths of the longest bar."""


def demographics_figure(demographics: pd.DataFrame) -> str:
    """Who is in the study: size, sexes and ages of each protected group (the paper's Fig. 2).

    Args:
        demographics: As :func:`faircmr.core.study.summarise` makes it. Sexes and ages are
            drawn where the cohort has them; whom they are not known of is counted below them.

    Returns:
        SVG.
    """
    return to_svg(draw_demographics(demographics))


def draw_demographics(demographics: pd.DataFrame) -> Figure:
    """The same as a figure; arguments as for :func:`demographics_figure`."""
    table = demographics.set_index(demographics["protected_group"].astype(str))
    draw = [panel for panel, column in _PANELS.items() if column in table.columns]
    figure = new_figure(3.4 * len(draw), 1.3 + 0.34 * name_heights(list(table.index), LONGEST_LINE))
    for panel, drawing in zip(figure.subplots(1, len(draw), sharey=True, squeeze=False)[0], draw, strict=True):
        drawing(panel, table)
        _strip(panel)
        panel.axhline(len(table) - 1.5, color=RULE, linewidth=0.8)
    name_rows(figure.axes[0], list(table.index), LONGEST_LINE)
    figure.axes[0].set_ylim(len(table) - 0.5, -0.5)
    return figure


def _draw_sizes(panel: Axes, table: pd.DataFrame) -> None:
    groups, longest = table.iloc[:-1], table["percent"].iloc[:-1].max()
    panel.barh(range(len(groups)), groups["percent"], height=BAR, color=BLUE)
    for row, (percent, count) in enumerate(zip(groups["percent"], groups["n"], strict=True)):
        panel.text(percent + 0.02 * longest, row, f"{percent:.1f} %  (n = {count})", va="center", color=INK, fontsize=8)
    # everybody is 100 %: a bar would only shorten those of the groups
    panel.text(0.02 * longest, len(groups), f"n = {table['n'].iloc[-1]}", va="center", color=INK, fontsize=8)
    panel.set_xlim(0, ROOM_FOR_LABEL * longest)
    panel.set_title("Share of the study (%)")


def _draw_sexes(panel: Axes, table: pd.DataFrame) -> None:
    left = pd.Series(0.0, index=table.index)
    for column, colour in zip(_sex_columns(table), SEX_COLOURS, strict=False):
        percent = table[column].fillna(0.0)
        name = drawn_name(column.removeprefix("sex_").removesuffix("_percent"))
        panel.barh(range(len(table)), percent, left=left, height=BAR, color=colour, label=name)
        for row, value in enumerate(percent):
            if value > 10:
                place = left.iloc[row] + value / 2
                text = f"{shorten(name, MOST_IN_BAR, placeholder='...')} {value:.0f}"
                panel.text(place, row, text, ha="center", va="center", color=INK, fontsize=8, parse_math=False)
        left = left + percent
    panel.set_xlim(0, 100)
    panel.set_title("Sex (% of those recorded)")
    panel.set_xlabel(_not_recorded(table["sex_missing"]))


def _draw_ages(panel: Axes, table: pd.DataFrame) -> None:
    rows = range(len(table))
    panel.errorbar(table["age_mean"], rows, xerr=table["age_sd"], fmt="o", color=BLUE, capsize=3, markersize=5)
    panel.set_title("Age (years, mean and SD)")
    panel.set_xlabel(_not_recorded(table["age_missing"]))
    panel.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    panel.grid(axis="x", color=RULE, linewidth=0.8)


def _sex_columns(table: pd.DataFrame) -> list[str]:
    return [name for name in table.columns if name.startswith("sex_") and name.endswith("_percent")]


def _not_recorded(missing: pd.Series[int]) -> str:
    everybody = missing.iloc[-1]
    return f"not recorded: {everybody}" if everybody else ""


def _strip(panel: Axes) -> None:
    """Leave of the frame what carries meaning."""
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.tick_params(axis="y", length=0, labelcolor=INK)
    panel.tick_params(axis="x", colors=PALE_INK, labelsize=8)
    panel.set_axisbelow(True)
    panel.title.set(fontsize=10, color=INK, fontweight="bold")
    panel.xaxis.label.set(fontsize=8, color=PALE_INK)


_PANELS = {_draw_sizes: "percent", _draw_sexes: "sex_missing", _draw_ages: "age_mean"}


MOST_COLUMNS = 2
LONGEST_FOREST_LINE = 24
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
FOREST_MARKERS: dict[str, dict[str, Any]] = {
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
        groups: Rows of one attribute, as :func:`faircmr.fairness.audit.tables.group_table` makes them: ``model``,
            ``group``, ``mean``, ``low``, ``high`` (percent, both NaN for a group that is too small) and ``verdict``.
        disparity: Rows of the same attribute, as :func:`faircmr.fairness.audit.tables.disparity_table` makes
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
    figure = new_figure(7.2, 0.6 + rows * (0.6 + 0.2 * name_heights(names, LONGEST_FOREST_LINE)))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for panel, (model, mean) in zip(panels, means.items(), strict=False):
        _draw_model(panel, groups[groups["model"].astype(str) == model], names, mean)
        title = drawn_name(model, LONGEST_TITLE)
        panel.set_title(title, fontsize=9, color=INK, fontweight="bold", loc="left", parse_math=False)
    for panel in panels[len(means) - columns : len(means)]:
        panel.set_xlabel(drawn_name(unit), fontsize=8, color=INK, parse_math=False)
    for panel in panels[len(means) :]:
        panel.set_visible(False)
    name_rows(panels[0], names, LONGEST_FOREST_LINE)
    panels[0].set(xlim=_limits(groups), ylim=(len(names) - 0.4, -0.6))
    figure.legend(handles=_forest_legend(groups), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw_model(panel: Axes, rows: pd.DataFrame, names: list[str], mean: float) -> None:
    panel.axvline(mean, color=PALE_INK, linewidth=0.9, linestyle="--", zorder=1)
    for group, kind, place, low, high in zip(
        rows["group"].astype(str), _kinds(rows), rows["mean"], rows["low"], rows["high"], strict=True
    ):
        panel.hlines(names.index(group), low, high, color=FOREST_MARKERS[kind]["color"], linewidth=1.4, zorder=2)
        panel.plot([place], [names.index(group)], linestyle="none", markersize=5.5, zorder=3, **FOREST_MARKERS[kind])
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


def _forest_legend(groups: pd.DataFrame) -> list[Line2D]:
    present = set(_kinds(groups))
    marks = [
        Line2D([], [], linestyle="none", label=kind, **look) for kind, look in FOREST_MARKERS.items() if kind in present
    ]
    return [*marks, Line2D([], [], color=PALE_INK, linestyle="--", linewidth=0.9, label="mean of all subjects")]


MARGIN = 0.14
"""Room around the points, in lengths of the axis: labels stand there."""
POINT = 6.0
"""Half the side of the square that a point keeps free of labels, in pixels of the canvas."""
DIRECTIONS = np.deg2rad([0, 180, 35, 145, -35, -145, 70, 110, -70, -110])
RADII = np.array([8, 13, 19, 26, 34, 43, 54, 66, 80, 96, 114, 135, 160])
"""How far from its point a label may stand, in points of type; nearest first."""
NEAR = RADII[1]
"""A label further away than this needs a line to its point."""
POINTS_PER_INCH = 72
LONGEST_PARETO_LINE = 40
"""Characters of a strategy's name before it is broken."""
AIR = 2.0
"""Around a label, in pixels of the canvas."""
PARETO_MARKERS: dict[tuple[bool, bool], dict[str, Any]] = {
    (False, True): {"marker": "o", "color": BLUE, "markersize": 7},
    (False, False): {"marker": "o", "color": BLUE, "markersize": 7, "markerfacecolor": "white"},
    (True, True): {"marker": "D", "color": VERMILLION, "markersize": 8},
    (True, False): {"marker": "D", "color": VERMILLION, "markersize": 8, "markerfacecolor": "white"},
}
KINDS = ("on the front", "beaten by another", "baseline, on the front", "baseline, beaten")
"""By whether a strategy is the baseline, and whether it is on the front: told apart without colour."""
Points = npt.NDArray[np.float64]


def pareto_figure(table: pd.DataFrame, baseline: str) -> str:
    """Mean DSC against SD over groups, one point a strategy, each with its name.

    Args:
        table: ``strategy``, ``mean`` (percent), ``SD`` (points) and ``pareto``, whether no other strategy beats it
            (:func:`faircmr.fairness.tables.pareto_front`).
        baseline: Strategy to mark.

    Returns:
        SVG. To the right is better for all, down is more even. Filled points are beaten by no other strategy and
        joined by the front, hollow ones are beaten in both, the diamond is the baseline.
    """
    return to_svg(draw_pareto(table, baseline))


def draw_pareto(table: pd.DataFrame, baseline: str) -> Figure:
    """The same as a figure; arguments as for :func:`pareto_figure`."""
    figure = new_figure(7.2, 5.2)
    panel = figure.subplots()
    _frame(panel)
    stairs = _stairs(table[table["pareto"]])
    panel.plot(*stairs.T, color=PALE_INK, linewidth=1.2, zorder=2)
    for strategy, mean, sd, on_front in _points(table):
        panel.plot([mean], [sd], linestyle="none", zorder=3, **PARETO_MARKERS[strategy == baseline, on_front])
    figure.legend(
        handles=_pareto_legend(table, baseline),
        loc="outside lower center",
        ncols=4,
        frameon=False,
        fontsize=8,
        labelcolor=INK,
    )
    # what is laid out once stays: labels are placed against final positions
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    _label(panel, table, stairs)
    return figure


def _points(table: pd.DataFrame) -> Iterator[tuple[str, float, float, bool]]:
    columns = (table["strategy"].astype(str), table["mean"].astype(float), table["SD"].astype(float))
    return zip(*columns, table["pareto"].astype(bool), strict=True)


def _frame(panel: Axes) -> None:
    panel.set_xlabel("Mean DSC of all subjects (%), better to the right", fontsize=9, color=INK)
    panel.set_ylabel("SD of DSC over groups (points), more even below", fontsize=9, color=INK)
    panel.margins(MARGIN)
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(colors=PALE_INK, labelsize=8)
    panel.grid(color=RULE, linewidth=0.8)
    panel.set_axisbelow(True)


def _stairs(front: pd.DataFrame) -> Points:
    """Corners of the front, shape ``(corners, 2)``: a stair, since between two strategies nothing was reached."""
    reached = front[["mean", "SD"]].astype(float).sort_values(["mean", "SD"]).to_numpy()
    corners = [(before[0], after[1]) for before, after in pairwise(reached)]
    return np.insert(reached, np.arange(1, len(reached)), np.reshape(corners, (-1, 2)), axis=0)


def _pareto_legend(table: pd.DataFrame, baseline: str) -> list[Line2D]:
    present = {(strategy == baseline, on_front) for strategy, _, _, on_front in _points(table)}
    return [
        Line2D([], [], linestyle="none", label=name, **PARETO_MARKERS[kind])
        for kind, name in zip(PARETO_MARKERS, KINDS, strict=True)
        if kind in present
    ]


def _label(panel: Axes, table: pd.DataFrame, stairs: Points) -> None:
    """Write each name where it covers no point, no other name and not the front; those in a crowd first."""
    names, points = table["strategy"].astype(str).tolist(), table[["mean", "SD"]].to_numpy(dtype=float)
    places = panel.transData.transform(points)
    taken = [Bbox([place - POINT, place + POINT]) for place in places]
    taken += [
        Bbox([np.minimum(a, b) - 1, np.maximum(a, b) + 1]) for a, b in pairwise(panel.transData.transform(stairs))
    ]
    crowd = np.median(np.hypot(*(places[:, None] - places).transpose(2, 0, 1)), axis=1)
    for number in np.argsort(crowd, kind="stable"):
        taken.append(_place(panel, names[number], (points[number, 0], points[number, 1]), taken))


def _place(panel: Axes, name: str, point: tuple[float, float], taken: Sequence[Bbox]) -> Bbox:
    label = panel.annotate(
        drawn_name(name, LONGEST_PARETO_LINE),
        point,
        xytext=(0, 0),
        textcoords="offset points",
        fontsize=8,
        color=INK,
        va="center",
        zorder=4,
        # a name of anybody's model is no formula
        parse_math=False,
    )
    label.set_in_layout(False)
    at_point = label.get_window_extent()
    for radius, direction in product(RADII, DIRECTIONS):
        offset = radius * np.array([np.cos(direction), np.sin(direction)])
        box = _moved(at_point, offset * panel.figure.dpi / POINTS_PER_INCH)
        if _is_inside(box, panel) and not box.count_overlaps(taken):
            break
    label.set_position(tuple(offset))
    label.set_horizontalalignment("left" if offset[0] > 0 else "right")
    if radius > NEAR:
        _tie(panel, label)
    return box.padded(AIR)


def _moved(box: Bbox, by: Points) -> Bbox:
    """Where a label comes to be that is written towards its point."""
    return box.translated(by[0] if by[0] > 0 else by[0] - box.width, by[1])


def _is_inside(box: Bbox, panel: Axes) -> bool:
    frame = panel.get_window_extent()
    return bool(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1)


def _tie(panel: Axes, label: Annotation) -> None:
    line = {"arrowstyle": "-", "color": PALE_INK, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 3}
    panel.annotate(
        "", label.xy, xytext=label.get_position(), textcoords="offset points", arrowprops=line, zorder=2
    ).set_in_layout(False)
