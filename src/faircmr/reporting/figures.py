"""Figures of tables."""

from __future__ import annotations

from textwrap import shorten

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

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
        demographics: As :func:`faircmr.core.demographics.summarise` makes it. Sexes and ages are
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
