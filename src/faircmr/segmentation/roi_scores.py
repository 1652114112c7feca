"""How well a localiser has found hearts, judged by the labels of the tensors."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

import numpy as np
import pandas as pd

from faircmr.core.splits import TEST, subjects_in
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.roi import Box
from faircmr.segmentation.roi_table import rois_of
from faircmr.segmentation.tensors import Array, SubjectTensors, TensorStore, label_name

ROI_SCORE_TYPES = {
    "subject_id": "str",
    "fold": "Int64",
    "located": "bool",
    "heart_inside": "float64",
    "centre_error": "float64",
}
"""One row a labelled test subject and localiser."""


def score_rois(rois: pd.DataFrame, splits: pd.DataFrame, tensors: TensorStore, plans: Plans) -> pd.DataFrame:
    """Compare regions with the hearts that somebody labelled.

    Args:
        rois: As :func:`~faircmr.segmentation.roi_table.roi_table` makes it.
        splits: Test subjects of each fold are scored: on them no localiser was trained.
        tensors: Preprocessed subjects.
        plans: Of the study.

    Returns:
        ``subject_id``, ``fold``, ``located``, and where it was located ``heart_inside``, the share of
        labelled pixels in the region (0..1), and ``centre_error``, millimetres between the middle of
        the region and that of the labels. Subjects without labels are left out.
    """
    rows = []
    for fold in (None if pd.isna(fold) else int(fold) for fold in rois["fold"].unique()):
        boxes = rois_of(rois, fold)
        for subject_id in subjects_in(splits, TEST, fold):
            hearts = _hearts(tensors.subject(subject_id))
            if hearts:
                rows.append((subject_id, fold, *_score(boxes.get(subject_id), hearts, plans)))
    return pd.DataFrame(rows, columns=list(ROI_SCORE_TYPES)).astype(ROI_SCORE_TYPES)


def _hearts(subject: SubjectTensors) -> list[Array]:
    return [subject.arrays[label_name(phase)] > 0 for phase in subject.labelled_phases]


def _score(box: Box | None, hearts: Sequence[Array], plans: Plans) -> tuple[bool, float, float]:
    if box is None:
        return False, float("nan"), float("nan")
    inside = sum(int(heart[:, *box.slices].sum()) for heart in hearts)
    labelled = sum(int(heart.sum()) for heart in hearts)
    shown = [np.argwhere(heart.any(axis=0)) for heart in hearts]
    lowest, highest = np.vstack(shown).min(axis=0), np.vstack(shown).max(axis=0) + 1
    middle = (lowest + highest) / 2
    found = ((box.row_start + box.row_stop) / 2, (box.column_start + box.column_stop) / 2)
    rows, columns = ((one - other) * each for one, other, each in zip(found, middle, plans.spacing, strict=True))
    return True, inside / labelled, hypot(rows, columns)
