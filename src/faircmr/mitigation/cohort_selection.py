"""Who a strategy trains and validates on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from faircmr.core.errors import InvalidSplitError
from faircmr.core.splits import TRAIN, VALIDATION, check_splits
from faircmr.mitigation.parameters import StrategyParameters


def select_training_cohort(splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters) -> pd.DataFrame:
    """The training and validation subjects of a strategy.

    Args:
        splits: ``subject_id``, ``split`` and, with cross-validation, ``fold``.
        subjects: ``subject_id`` and ``protected_group`` of everybody in the study.
        strategy: Its ``cohort`` names the selection.

    Returns:
        Rows of ``splits`` that train or validate, with ``protected_group``.

    Raises:
        InvalidSplitError: The splits do not divide exactly these subjects, or leave nobody to train on.
    """
    check_splits(splits, subjects)
    if not (splits["split"] == TRAIN).any():
        raise InvalidSplitError(
            f"training cohort of {strategy.name}",
            "nobody",
            "at least one training subject",
            "lower split.test_fraction or split.validation_fraction",
        )
    chosen = splits[splits["split"].isin([TRAIN, VALIDATION])]
    named = chosen.merge(subjects[["subject_id", "protected_group"]], on="subject_id", validate="many_to_one")
    return SELECTIONS[strategy.cohort](named)


def natural(cohort: pd.DataFrame) -> pd.DataFrame:
    """Everybody, in the proportions that the study has."""
    return cohort


SELECTIONS: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {"natural": natural}
