"""What each strategy changes, and where on the way from a cohort to a label (the paper's Fig. 1)."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from faircmr.reporting.canvas import BLUE, INK, PALE_INK, drawn_name, new_figure
from faircmr.reporting.report.choices import AXES

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
        choices: As :func:`~faircmr.reporting.report.choices.strategy_choices` makes it, the baseline first.
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
