"""Tables of all strategies in one."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.core.omissions import OMISSION_TYPES
from faircmr.fairness.classification import confusion_matrix
from faircmr.fairness.classified import PREDICTED_GROUP

STRATEGY = "strategy"


def one_below_another(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of the strategies that have one.

    Args:
        tables: By strategy, in the order of Table 2; empty where a strategy does not have it.

    Returns:
        ``strategy``, then their columns; ``strategy`` alone where nobody has one.
    """
    found = {name: table for name, table in tables.items() if not table.empty}
    if not found:
        return pd.DataFrame(columns=[STRATEGY])
    return pd.concat(found, names=[STRATEGY]).reset_index(STRATEGY).reset_index(drop=True)


def all_omissions(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What was left out in each step of the study and by each strategy.

    Args:
        tables: Of :func:`faircmr.core.omissions.omission_table`, in the order of the page; one without rows is of a
            strategy that has not run.
    """
    return pd.concat(list(tables.values()), ignore_index=True).astype(OMISSION_TYPES)


def confusions(predictions: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """How many test subjects of each protected group the classifiers took for each.

    Args:
        predictions: Of each strategy, as for :func:`~faircmr.fairness.classification.confusion_matrix`; empty where it
            has no classifier. All trainings decide together.

    Returns:
        ``strategy``, ``protected_group``, ``predicted_group`` and ``subjects``.

    Raises:
        InvalidScoresError: As there.
    """
    counted = {
        name: confusion_matrix(table)
        .reset_index()
        .melt(PROTECTED_GROUP, var_name=PREDICTED_GROUP, value_name="subjects")
        for name, table in predictions.items()
        if not table.empty
    }
    table = one_below_another(counted)
    return table.reindex(columns=[STRATEGY, PROTECTED_GROUP, PREDICTED_GROUP, "subjects"])
