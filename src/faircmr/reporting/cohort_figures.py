"""Figures of a cohort before training: who is where, what is measured, what could be found."""

from __future__ import annotations

from math import ceil
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from faircmr.core.splits import TEST, TRAIN, VALIDATION
from faircmr.fairness.cohort_checks.findings import rows_of
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
        measures: As :func:`faircmr.fairness.cohort_checks.measures.compare_measures` makes it; measures that are the
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
        power: Rows of one attribute, as :func:`faircmr.fairness.cohort_checks.power.detectable_gaps` makes them.
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
