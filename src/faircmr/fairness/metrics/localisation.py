"""Errors of the localiser by protected group."""

from __future__ import annotations

import pandas as pd

COLUMNS = ["group", "n", "not_located", "heart_inside", "least_inside", "box_overlap", "centre_error"]


def localiser_table(roi_scores: pd.DataFrame, subjects: pd.DataFrame) -> pd.DataFrame:
    """Disaggregate the errors of a strategy's localiser.

    Args:
        roi_scores: One row a labelled test subject: ``subject_id``, ``located``, ``heart_inside`` and
            ``box_overlap`` (0..1) and ``centre_error`` (mm), missing where nothing was located.
        subjects: ``subject_id`` and ``protected_group``.

    Returns:
        One row a protected group, then all subjects: ``group``, ``n``, ``not_located`` (their full
        images are used), ``heart_inside`` (mean, percent), ``least_inside`` (percent), ``box_overlap``
        (mean, percent) and ``centre_error`` (mean, mm). No rows where the strategy uses full images.
    """
    if roi_scores.empty:
        return _summary([])
    groups = subjects.set_index("subject_id")["protected_group"]
    labels = roi_scores["subject_id"].map(groups)
    rows = [(str(name), part) for name, part in roi_scores.groupby(labels, sort=True)]
    return _summary([*rows, ("all", roi_scores)])


def _summary(parts: list[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    rows = [
        (
            name,
            len(part),
            int((~part["located"]).sum()),
            100 * part["heart_inside"].mean(),
            100 * part["heart_inside"].min(),
            100 * part["box_overlap"].mean(),
            part["centre_error"].mean(),
        )
        for name, part in parts
    ]
    return pd.DataFrame(rows, columns=COLUMNS)
