"""Who a strategy trains and validates on."""

from __future__ import annotations

import pandas as pd

from faircmr.core.splits import TRAIN, VALIDATION, check_splits
from faircmr.mitigation.parameters import StrategyParameters


def select_training_cohort(
    splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters
) -> pd.DataFrame:
    """The training and validation subjects of a strategy.

    Args:
        splits: ``subject_id``, ``split`` and, with cross-validation, ``fold``.
        subjects: ``subject_id`` and ``protected_group`` of everybody in the study.
        strategy: ``cohort: natural`` takes everybody as the splits have it.

    Returns:
        The rows of ``splits`` that train or validate, with ``protected_group``.

    Raises:
        InvalidSplitError: The splits do not divide exactly these subjects.
    """
    check_splits(splits, subjects)
    chosen = splits[splits["split"].isin([TRAIN, VALIDATION])]
    return chosen.merge(subjects[["subject_id", "protected_group"]], on="subject_id", validate="many_to_one")
