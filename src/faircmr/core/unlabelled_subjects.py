"""Subjects whom nobody has labelled: they cannot be trained on, and are segmented like test subjects."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from faircmr.core.splits import TEST, TRAIN, UNUSED, VALIDATION
from faircmr.core.splitting import SplitParameters, split_subjects


def split_cohort(
    subjects: pd.DataFrame, scans: pd.DataFrame, parameters: SplitParameters, given: pd.DataFrame
) -> pd.DataFrame:
    """Divide the subjects of a study, those without any label among the tested.

    Args:
        subjects: ``subject_id`` and ``protected_group``.
        scans: ``subject_id`` and ``labelled``.
        parameters: How those with labels are divided.
        given: As for :func:`~faircmr.core.splitting.split_subjects`.

    Returns:
        As :func:`~faircmr.core.splitting.split_subjects`. Subjects without labels are predicted and not
        scored, in one fold where there are folds.

    Raises:
        InvalidSplitError: As for :func:`~faircmr.core.splitting.split_subjects`.
    """
    labelled = set(scans.loc[scans["labelled"], "subject_id"])
    has_label = subjects["subject_id"].isin(labelled)
    unlabelled = list(subjects.loc[~has_label, "subject_id"])
    if not unlabelled:
        return split_subjects(subjects, parameters, given)
    if parameters.method == "from_file":
        return _out_of_training(split_subjects(subjects, parameters, given), unlabelled)
    splits = split_subjects(subjects[has_label], parameters, given)
    return _sorted(pd.concat([splits, _tested(unlabelled, splits)], ignore_index=True))


def _tested(subject_ids: Sequence[str], splits: pd.DataFrame) -> pd.DataFrame:
    """Each subject as a test subject; of one fold, in turn, where there are folds."""
    if "fold" not in splits:
        return pd.DataFrame({"subject_id": subject_ids, "split": TEST}, dtype="str")
    folds = sorted(splits["fold"].unique())
    rows = [
        (subject_id, TEST if position % len(folds) == place else UNUSED, fold)
        for position, subject_id in enumerate(subject_ids)
        for place, fold in enumerate(folds)
    ]
    return pd.DataFrame(rows, columns=["subject_id", "split", "fold"])


def _out_of_training(splits: pd.DataFrame, subject_ids: Sequence[str]) -> pd.DataFrame:
    """Given splits in which nobody of these trains or validates: tested, unless another fold tests them."""
    tested = set(splits.loc[splits["split"] == TEST, "subject_id"])
    out = splits["subject_id"].isin(subject_ids) & splits["split"].isin([TRAIN, VALIDATION])
    first = ~splits["subject_id"].where(out).duplicated()
    to_test = out & first & ~splits["subject_id"].isin(tested)
    return splits.assign(split=splits["split"].mask(out, UNUSED).mask(to_test, TEST))


def _sorted(splits: pd.DataFrame) -> pd.DataFrame:
    by = [*(["fold"] if "fold" in splits else []), "subject_id"]
    return splits.sort_values(by, ignore_index=True)
