"""Mean against disparity of every strategy: what evenness costs, and what it need not cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from faircmr.reporting.canvas import BLUE, INK, PALE_INK, VERMILLION, drawn_name, new_figure, to_svg

RULE = "#DDDDDD"
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
LONGEST_LINE = 40
"""Characters of a strategy's name before it is broken."""
AIR = 2.0
"""Around a label, in pixels of the canvas."""
MARKERS: dict[tuple[bool, bool], dict[str, Any]] = {
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
            (:func:`faircmr.fairness.trade_off.pareto_front`).
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
        panel.plot([mean], [sd], linestyle="none", zorder=3, **MARKERS[strategy == baseline, on_front])
    figure.legend(
        handles=_legend(table, baseline), loc="outside lower center", ncols=4, frameon=False, fontsize=8, labelcolor=INK
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


def _legend(table: pd.DataFrame, baseline: str) -> list[Line2D]:
    present = {(strategy == baseline, on_front) for strategy, _, _, on_front in _points(table)}
    return [
        Line2D([], [], linestyle="none", label=name, **MARKERS[kind])
        for kind, name in zip(MARKERS, KINDS, strict=True)
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
        drawn_name(name, LONGEST_LINE),
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
