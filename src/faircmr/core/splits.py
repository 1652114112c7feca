"""Names of the parts of a study, and the rule that nobody is in two of them."""

from __future__ import annotations

import pandas as pd

from faircmr.core.errors import InvalidSplitError

TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"
SPLITS = (TRAIN, VALIDATION, TEST, UNUSED)


def check_disjoint(splits: pd.DataFrame) -> None:
    """Refuse splits in which somebody is in two parts, whether of the study or of one fold.

    Args:
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.

    Raises:
        InvalidSplitError: Says how many there are, or how many rows name no split.
    """
    # counts and no names: a file that somebody wrote may hold ids of the source
    unnamed = int((~splits["split"].isin(SPLITS)).sum())
    if unnamed:
        raise InvalidSplitError("splits", f"{unnamed} rows name no split", f"one of: {', '.join(SPLITS)}")
    twice = int(splits.duplicated(["subject_id", "fold"] if "fold" in splits else ["subject_id"]).sum())
    if twice:
        raise InvalidSplitError("splits", f"{twice} subjects stand in two splits or twice in one", "each subject once")
    if "fold" in splits:
        _check_tested_once(splits)


def check_splits(splits: pd.DataFrame, subjects: pd.DataFrame) -> None:
    """Refuse splits that do not divide exactly these subjects.

    Args:
        splits: As for :func:`check_disjoint`.
        subjects: ``subject_id`` of everybody in the study.

    Raises:
        InvalidSplitError: As :func:`check_disjoint`; or somebody is left out, or unknown.
    """
    everybody = set(subjects["subject_id"])
    for _, fold in splits.groupby("fold") if "fold" in splits else [(None, splits)]:
        members = set(fold["subject_id"])
        if members != everybody:
            raise InvalidSplitError(
                "splits",
                f"{len(everybody - members)} subjects of the study are missing, {len(members - everybody)} are unknown",
                "exactly the subjects of the study",
                "make the splits anew from the present subjects",
            )
    check_disjoint(splits)


def subjects_in(splits: pd.DataFrame, split: str, fold: int | None) -> tuple[str, ...]:
    """Study keys of the subjects of one part, in their order.

    Args:
        splits: As for :func:`check_disjoint`.
        split: ``train``, ``validation``, ``test`` or ``unused``.
        fold: Which fold; ``None`` without cross-validation.
    """
    chosen = splits["split"] == split
    if fold is not None:
        chosen &= splits["fold"] == fold
    return tuple(splits.loc[chosen, "subject_id"])


def folds_of(splits: pd.DataFrame) -> tuple[int | None, ...]:
    """Folds of a cross-validation in their order; ``(None,)`` where there is none."""
    return tuple(sorted(int(fold) for fold in splits["fold"].unique())) if "fold" in splits else (None,)


def _check_tested_once(splits: pd.DataFrame) -> None:
    twice = int(splits.loc[splits["split"] == TEST, "subject_id"].duplicated().sum())
    if twice:
        raise InvalidSplitError("splits", f"{twice} subjects are tested in two folds", "each in the test of one fold")
