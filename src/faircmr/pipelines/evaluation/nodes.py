"""Nodes of evaluation."""

from __future__ import annotations

import pandas as pd

from faircmr.core.subject_index import AttributeParameters


def compare_strategies(
    subjects: pd.DataFrame, attributes: AttributeParameters, **scores: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Table 2 over training seeds, Table 2 of each seed, and how far seeds spread each cell of Table 1.

    A strategy that has not been scored is absent.
    """
    from faircmr.fairness.comparison import table2
    from faircmr.fairness.seeds import table1_seed_sd, table2_by_seed

    return (
        table2(scores, subjects),
        table2_by_seed(scores, subjects),
        table1_seed_sd(scores, subjects, attributes.reported),
    )
