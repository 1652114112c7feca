"""Whom a strategy predicts: everybody who is tested, and those who validated it; and which of its models serve them."""

from __future__ import annotations

import pandas as pd

from faircmr.core.splits import TEST, VALIDATION
from faircmr.mitigation.choices import GroupCalibration
from faircmr.mitigation.parameters import StrategyParameters

KEY = "key"


def select_prediction_cohort(
    training_cohort: pd.DataFrame, splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters
) -> pd.DataFrame:
    """The validation subjects of a strategy and the test subjects of the study.

    Args:
        training_cohort: ``subject_id``, ``split`` and perhaps ``fold``: a strategy can have a division of its own.
        splits: The same of the whole study; its test subjects are those of every strategy.
        subjects: ``subject_id`` and ``protected_group``.
        strategy: Whether its predictions need the protected group.

    Returns:
        ``subject_id``, ``split``, perhaps ``fold``, and ``key``: the protected group where predictions need it,
        and otherwise missing, so that no prediction can depend on it.
    """
    columns = ["subject_id", "split", *(["fold"] if "fold" in splits else [])]
    validated = training_cohort.loc[training_cohort["split"] == VALIDATION, columns]
    tested = splits.loc[splits["split"] == TEST, columns]
    cohort = pd.concat([validated, tested], ignore_index=True)
    groups = subjects.set_index("subject_id")["protected_group"].astype("string")
    cohort[KEY] = cohort["subject_id"].map(groups) if predicts_by_group(strategy) else None
    return cohort.astype({KEY: "string"})


def predicts_by_group(strategy: StrategyParameters) -> bool:
    """Whether a strategy needs the protected group of whom it predicts."""
    return strategy.stages.group_aware or isinstance(strategy.output, GroupCalibration)


def keys_of(prediction_cohort: pd.DataFrame) -> dict[str, str]:
    """Protected group of each subject whose predictions need one, by study key."""
    known = prediction_cohort.dropna(subset=[KEY])
    return dict(zip(known["subject_id"], known[KEY].astype(str), strict=True))
