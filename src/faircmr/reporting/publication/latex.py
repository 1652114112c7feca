"""Tables 1 and 2 as LaTeX, for the package booktabs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from faircmr.core.shown_names import in_latex
from faircmr.reporting.audit_tables import NO_BREAK
from faircmr.reporting.report.paper_tables import Cell, PaperTable, Row, table_1, table_2
from faircmr.reporting.report.study import Study

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
