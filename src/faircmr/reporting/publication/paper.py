"""Tables 1 and 2 and figures for a paper: LaTeX, rows, SVG and PDF."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from faircmr.core import in_latex
from faircmr.fairness.tables import pareto_front
from faircmr.reporting import (
    NO_BREAK,
    PALE_INK,
    draw_demographics,
    draw_forest,
    draw_pareto,
    new_figure,
    to_pdf,
    to_svg,
)
from faircmr.reporting.report import (
    ABSENT,
    Cell,
    PaperTable,
    Row,
    Study,
    draw_changes,
    draw_disparity,
    draw_strategies,
    table_1,
    table_2,
)

COLUMNS = ["strategy", "row", "note", "column", "value", "low", "high", "marks"]


def flat_table_1(study: Study) -> pd.DataFrame:
    """Table 1 of every strategy, one row a cell.

    Returns:
        ``strategy``, ``row`` (the group), ``note``, ``column``, ``value`` in percent, ``low`` and ``high`` of its
        interval where it has one, and ``marks``.
    """
    own = study.tables.table1
    names = dict.fromkeys(own["strategy"].astype(str)) if len(own) else {}
    rows = [(name, *cell) for name in names for cell in _cells(table_1(study, name))]
    return pd.DataFrame(rows, columns=COLUMNS)


def flat_table_2(study: Study) -> pd.DataFrame:
    """Table 2, one row a cell; columns as for :func:`flat_table_1`, ``row`` is the strategy again."""
    cells = _cells(table_2(study)) if study.strategies else ()
    return pd.DataFrame([(cell[0], *cell) for cell in cells], columns=COLUMNS)


def _cells(shown: PaperTable) -> Iterator[tuple[str, str, str, float, float, float, str]]:
    for rows in shown.bodies.values():
        for row in rows:
            for column, cell in zip(shown.columns, row.cells, strict=True):
                yield row.name, row.note, column, cell.value, cell.low, cell.high, cell.marks


MARKS = {"†": r"$^{\dagger}$", "*": r"$^{*}$"}
"""Of numbers; in a name both are plain characters."""
NOTE = (
    "% *: p < 0.01 of the paper's own t test against a full set that contains the group, not corrected.\n"
    "% dagger: different from all others by permutation, after Holm's correction. In brackets: {confidence} intervals."
)


def latex_table_1(study: Study) -> str:
    """Table 1 of every strategy, one ``tabular`` each.

    Args:
        study: Its tables.

    Returns:
        LaTeX to be put in whole; a comment where no strategy has a Table 1.
    """
    own = study.tables.table1
    names = dict.fromkeys(own["strategy"].astype(str)) if len(own) else {}
    parts = [f"% {name}\n{_tabular(table_1(study, name), 'group')}" for name in names]
    return "\n".join([_note(study), *(parts or ["% no strategy has a Table 1"])]) + "\n"


def latex_table_2(study: Study) -> str:
    """Table 2 as one ``tabular``; a comment where strategies were not compared."""
    body = _tabular(table_2(study), "Approach") if study.strategies else "% strategies were not compared"
    return f"{_note(study)}\n{body}\n"


def _note(study: Study) -> str:
    return NOTE.format(**study.words).replace(NO_BREAK, " ")


def _tabular(shown: PaperTable, first: str) -> str:
    width = len(shown.columns)
    lines = [rf"\begin{{tabular}}{{l{'r' * width}}}", r"\toprule", _line([first, *shown.columns])]
    for heading, rows in shown.bodies.items():
        lines.append(r"\midrule")
        if heading:
            lines.append(rf"\multicolumn{{{width + 1}}}{{l}}{{\textit{{{in_latex(heading)}}}}} \\")
        lines += [_row(row) for row in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _row(row: Row) -> str:
    name = f"{row.name} ({row.note})" if row.note else row.name
    return f"{in_latex(name)} & {' & '.join(map(_cell, row.cells))} \\\\"


def _cell(cell: Cell) -> str:
    if math.isnan(cell.value):
        return "--"
    ends = "" if math.isnan(cell.low) else f" [{_number(cell.low, cell)}, {_number(cell.high, cell)}]"
    return f"{_number(cell.value, cell)}{''.join(MARKS.get(mark, mark) for mark in cell.marks)}{ends}"


def _number(value: float, cell: Cell) -> str:
    if math.isinf(value):
        return r"$\infty$" if value > 0 else r"$-\infty$"
    return f"{value:.{cell.decimals}f}"


def _line(names: Sequence[str]) -> str:
    return " & ".join(map(in_latex, names)) + r" \\"


FIGURES = ("strategies", "cohort", "groups", "disparity", "changes", "pareto")
"""Names in the order in which they are drawn."""


def paper_figures(study: Study) -> tuple[str | bytes, ...]:
    """All figures of :data:`FIGURES`.

    Args:
        study: Its tables; where one is missing, the figure says so.

    Returns:
        SVG and PDF of the first, then of the second, and so on. The same study gives the same bytes.
    """
    drawn = [_DRAW[name](study) for name in FIGURES]
    return tuple(made for figure in drawn for made in (to_svg(figure), to_pdf(figure)))


def _strategies(study: Study) -> Figure:
    choices = study.tables.choices
    shown = choices[choices["strategy"].isin(study.strategies)] if len(choices) else choices
    return draw_strategies(shown) if len(shown) else _sentence(ABSENT["choices"])


def _cohort(study: Study) -> Figure:
    table = study.tables.demographics
    return draw_demographics(table) if len(table) else _sentence(ABSENT["demographics"])


def _groups(study: Study) -> Figure:
    own, apart = (study.of(table, study.protected) for table in (study.tables.groups, study.tables.disparity))
    return draw_forest(own, apart, "DSC (%)") if len(apart) else _sentence(ABSENT["few_groups"])


def _disparity(study: Study) -> Figure:
    apart = study.of(study.tables.disparity, study.protected)
    return draw_disparity(study) if len(apart) else _sentence(ABSENT["few_groups"])


def _changes(study: Study) -> Figure:
    own, apart = (study.of(table, study.protected) for table in (study.tables.changes, study.tables.disparity))
    return draw_changes(study) if len(own) and len(apart) else _sentence(ABSENT["changes"])


def _pareto(study: Study) -> Figure:
    points = study.of(study.tables.disparity, study.protected)
    if len(points) < 2:
        return _sentence(ABSENT["changes"])
    front = pareto_front(points["mean"], points["SD"])
    return draw_pareto(points.rename(columns={"model": "strategy"}).assign(pareto=front), study.baseline)


def _sentence(text: str) -> Figure:
    figure = new_figure(7.2, 0.8)
    figure.text(0.01, 0.5, text, va="center", fontsize=8, color=PALE_INK, wrap=True)
    return figure


_DRAW: Mapping[str, Callable[[Study], Figure]] = dict(
    zip(FIGURES, (_strategies, _cohort, _groups, _disparity, _changes, _pareto), strict=True)
)
