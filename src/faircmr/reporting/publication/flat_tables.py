"""The cells of Tables 1 and 2 as rows, for whoever makes tables of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from faircmr.reporting.report.paper_tables import PaperTable, table_1, table_2
from faircmr.reporting.report.study import Study

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
