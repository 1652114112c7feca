"""Several rows of one participant, from one table or from several, become one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from faircmr.sources.ukbb.fields import CENTRE, LIMITS

LISTED_TWICE = "listed twice with different values"
ROUNDING = 0.1
"""Difference in years, cm, kg or kg/m2 below which two exports have rounded one value differently."""


def join(tables: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, pd.Index]:
    """Join tables by participant; where one row has no value another row's is taken.

    Args:
        tables: As :attr:`~faircmr.sources.ukbb.rows.Rows.values`.

    Returns:
        Each id once, sorted; and the ids whose rows contradict each other. Centres are not compared: one
        export holds their codes, another their names.
    """
    rows = pd.concat(tables)
    repeated = rows.index.duplicated(keep=False)
    if not repeated.any():
        return rows.sort_index(), rows.index[:0]
    people = rows[repeated].groupby(level=0)
    merged = people.first()
    fields = rows.columns.get_level_values(0)
    measured, compared = fields.isin(list(LIMITS)), fields != CENTRE
    numbers, texts = list(rows.columns[measured]), list(rows.columns[compared & ~measured])
    spread = people[numbers].max() - people[numbers].min()
    differ = (spread > ROUNDING).any(axis=1) | (people[texts].nunique() > 1).any(axis=1)
    return pd.concat([rows[~repeated], merged]).sort_index(), merged.index[np.asarray(differ, dtype=np.bool_)]
