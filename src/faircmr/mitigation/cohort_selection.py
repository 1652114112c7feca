"""Who a strategy trains and validates on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.core.errors import InvalidSplitError
from faircmr.core.splits import TEST, TRAIN, VALIDATION, check_splits, folds_of, subjects_in
from faircmr.mitigation.choices import (
    BalancedCohort,
    DrawnCohort,
    NaturalCohort,
    SizeMatchedCohort,
    SmallestShareCohort,
    StratifiedBatchSampling,
)
from faircmr.mitigation.cohort_division import divide
from faircmr.mitigation.drawn_cohorts import draw_balanced, draw_size_matched, draw_smallest_share
from faircmr.mitigation.equal_values import check_shortages
from faircmr.mitigation.parameters import StrategyParameters
from faircmr.mitigation.strata import check_complete, check_known

Drawn = BalancedCohort | SizeMatchedCohort | SmallestShareCohort


def select_training_cohort(splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters) -> pd.DataFrame:
    """The training and validation subjects of a strategy.

    Args:
        splits: ``subject_id``, ``split`` and, with cross-validation, ``fold``.
        subjects: ``subject_id``, ``protected_group`` and the attributes of everybody in the study.
        strategy: Its ``cohort`` names the selection.

    Returns:
        Rows of ``splits`` that train or validate, with ``protected_group`` and the attributes that the cohort or the
        sampler names in ``within``. A natural cohort is divided as the study is. Any other is drawn from whoever
        trains or validates in the study, fold by fold, has a division of its own, and is sorted by fold and subject.

    Raises:
        InvalidSplitError: The splits do not divide exactly these subjects, or leave nobody to train on.
        InvalidParameterError: An attribute is not among those of the study, or a share cannot be drawn.
        InvalidCohortError: Subjects lack an attribute, or are too few of one value for equal parts.
    """
    check_splits(splits, subjects)
    _check_somebody_trains(splits, strategy.name)
    attributes = _attributes(strategy)
    check_known(subjects, attributes)
    named = _named(splits, subjects, attributes)
    asked = strategy.cohort
    cohort = named if isinstance(asked, NaturalCohort) else _drawn(named, asked, strategy.name)
    check_untested(cohort, splits)
    check_complete(cohort, attributes)
    return cohort


def pools_of(splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters) -> list[pd.DataFrame]:
    """Subjects that a cohort is drawn from, one table a fold; arguments as for :func:`select_training_cohort`."""
    return _by_fold(_named(splits, subjects, _attributes(strategy)))


def check_untested(cohort: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Refuse a cohort that trains or validates on somebody who is tested in the same fold.

    Args:
        cohort: ``subject_id`` and, with cross-validation, ``fold``.
        splits: As for :func:`select_training_cohort`.

    Raises:
        InvalidSplitError: Says how many there are.
    """
    for fold in folds_of(splits):
        members = cohort["subject_id"] if fold is None else cohort.loc[cohort["fold"] == fold, "subject_id"]
        tested = len(set(members) & set(subjects_in(splits, TEST, fold)))
        if tested:
            raise InvalidSplitError(
                f"training cohort{_in_fold(fold)}",
                f"{tested} of its subjects are tested",
                "nobody who is tested",
                "make the splits and the cohort anew",
            )


def _named(splits: pd.DataFrame, subjects: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    """Whoever trains or validates, with protected group and attributes."""
    chosen = splits[splits["split"].isin([TRAIN, VALIDATION])]
    return chosen.merge(subjects[["subject_id", PROTECTED_GROUP, *attributes]], on="subject_id", validate="many_to_one")


def _by_fold(named: pd.DataFrame) -> list[pd.DataFrame]:
    return [pool for _, pool in named.groupby("fold")] if "fold" in named else [named]


def _drawn(named: pd.DataFrame, cohort: Drawn, strategy: str) -> pd.DataFrame:
    pools = _by_fold(named)
    within = cohort.within if isinstance(cohort, BalancedCohort) else ()
    if isinstance(cohort, BalancedCohort):
        check_shortages(pools, cohort, strategy)
    tables = [_divided(pool[pool["subject_id"].isin(_draw(pool, cohort, strategy))], cohort, within) for pool in pools]
    by = [*(["fold"] if "fold" in named else []), "subject_id"]
    return pd.concat(tables).sort_values(by, ignore_index=True)


def _draw(pool: pd.DataFrame, cohort: Drawn, strategy: str) -> list[str]:
    match cohort:
        case BalancedCohort():
            return draw_balanced(pool, cohort)
        case SizeMatchedCohort():
            return draw_size_matched(pool, cohort)
        case SmallestShareCohort():
            return draw_smallest_share(pool, cohort, strategy)


def _divided(drawn: pd.DataFrame, cohort: DrawnCohort, within: tuple[str, ...]) -> pd.DataFrame:
    return drawn.assign(split=drawn["subject_id"].map(divide(drawn, cohort, within)))


def _attributes(strategy: StrategyParameters) -> list[str]:
    """Attributes that the strategy asks for, each once."""
    of_cohort = strategy.cohort.within if isinstance(strategy.cohort, BalancedCohort) else ()
    of_sampler = strategy.sampler.within if isinstance(strategy.sampler, StratifiedBatchSampling) else ()
    return list(dict.fromkeys((*of_cohort, *of_sampler)))


def _check_somebody_trains(splits: pd.DataFrame, strategy: str) -> None:
    for fold in folds_of(splits):
        if not subjects_in(splits, TRAIN, fold):
            raise InvalidSplitError(
                f"training cohort of {strategy}{_in_fold(fold)}",
                "nobody",
                "at least one training subject",
                "lower split.test_fraction or split.validation_fraction",
            )


def _in_fold(fold: int | None) -> str:
    return "" if fold is None else f" in fold {fold}"
