"""Scans and people that stand in a study twice, and whether the two stand in different parts of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from faircmr.core.near_duplicates import PAIR_COLUMNS, near_duplicates
from faircmr.core.splits import UNUSED

PERSON = "person"
"""Attribute in which a source may say that two of its subjects are one person: equal values, whatever they are."""
ONE_PERSON = "one person"


def find_pairs(
    described: pd.DataFrame, everybody: pd.DataFrame, splits: pd.DataFrame, largest_distance: float
) -> pd.DataFrame:
    """Pairs of subjects that should be one.

    Args:
        described: What every scan looks like, see :func:`~faircmr.core.near_duplicates.near_duplicates`.
        everybody: The cohort's subjects; :data:`PERSON` where the source tells it.
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.
        largest_distance: Of two images that count as one.

    Returns:
        One row a pair: ``subject_id``, ``phase``, ``other_subject_id``, ``other_phase``, ``kind`` (``exact``,
        ``near``, ``one person``; the last without phases and distance), ``distance``, and ``across_splits``: whether
        the two are in different parts of the study, in some fold.
    """
    taking_part = everybody[everybody["subject_id"].isin(splits["subject_id"])]
    people = pd.DataFrame(_one_person(taking_part), columns=["subject_id", "other_subject_id"]).assign(kind=ONE_PERSON)
    alike = near_duplicates(described, largest_distance)
    pairs = pd.concat([alike, people], ignore_index=True)[list(PAIR_COLUMNS)] if len(people) else alike
    parts = _parts(splits)
    across = [
        _differ(parts[one], parts[other])
        for one, other in zip(pairs["subject_id"], pairs["other_subject_id"], strict=True)
    ]
    return pairs.assign(across_splits=pd.Series(across, dtype="bool"))


def _one_person(everybody: pd.DataFrame) -> Iterator[tuple[str, str]]:
    if PERSON in everybody:
        for _, subjects in everybody.groupby(PERSON)["subject_id"]:
            yield from combinations(sorted(subjects), 2)


def _parts(splits: pd.DataFrame) -> dict[str, dict[int, str]]:
    """Part of each subject by fold."""
    folds = splits["fold"] if "fold" in splits else pd.Series(0, index=splits.index)
    parts: dict[str, dict[int, str]] = {}
    for subject_id, fold, split in zip(splits["subject_id"], folds, splits["split"], strict=True):
        parts.setdefault(str(subject_id), {})[int(fold)] = str(split)
    return parts


def _differ(one: dict[int, str], other: dict[int, str]) -> bool:
    both = [{one[fold], other[fold]} for fold in one.keys() & other.keys()]
    return any(len(pair) == 2 and UNUSED not in pair for pair in both)
