"""How well a localiser has found hearts, judged by the labels of the tensors."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot

import numpy as np
import pandas as pd

from faircmr.core.splits import TEST, subjects_in
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.roi import Box, overlap
from faircmr.segmentation.roi_table import hearts_of, rois_of
from faircmr.segmentation.tensors import Array, SubjectTensors, TensorStore, label_name

ROI_SCORE_TYPES = {
    "subject_id": "str",
    "fold": "Int64",
    "located": "bool",
    "heart_inside": "float64",
    "box_overlap": "float64",
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
        labelled pixels in the region (0..1), and, of what was found before a margin and the patch
        enlarged it, ``box_overlap`` with the box around the labels (pixels of both over pixels of
        either, 0..1) and ``centre_error``, millimetres between the middles of both boxes. Subjects
        without labels are left out.
    """
    rows = []
    for fold in (None if pd.isna(fold) else int(fold) for fold in rois["fold"].unique()):
        boxes, found = rois_of(rois, fold), hearts_of(rois, fold)
        for subject_id in subjects_in(splits, TEST, fold):
            hearts = _hearts(tensors.subject(subject_id))
            if hearts:
                rows.append((subject_id, fold, *_score(boxes.get(subject_id), found.get(subject_id), hearts, plans)))
    return pd.DataFrame(rows, columns=list(ROI_SCORE_TYPES)).astype(ROI_SCORE_TYPES)


def _hearts(subject: SubjectTensors) -> list[Array]:
    """Where each label shows a heart; one that a coarse grid has left nothing of does not count."""
    masks = (subject.arrays[label_name(phase)] > 0 for phase in subject.labelled_phases)
    return [mask for mask in masks if mask.any()]


def _score(
    region: Box | None, found: Box | None, hearts: Sequence[Array], plans: Plans
) -> tuple[bool, float, float, float]:
    if region is None or found is None:
        return False, float("nan"), float("nan"), float("nan")
    inside = sum(int(heart[:, *region.slices].sum()) for heart in hearts)
    labelled = sum(int(heart.sum()) for heart in hearts)
    truth = _box_around(hearts)
    rows, columns = (
        (one - other) * each for one, other, each in zip(_middle(found), _middle(truth), plans.spacing, strict=True)
    )
    return True, inside / labelled, overlap(found, truth), hypot(rows, columns)


def _box_around(hearts: Sequence[Array]) -> Box:
    shown = np.vstack([np.argwhere(heart.any(axis=0)) for heart in hearts])
    (top, left), (bottom, right) = shown.min(axis=0).tolist(), (shown.max(axis=0) + 1).tolist()
    return Box(row_start=top, row_stop=bottom, column_start=left, column_stop=right)


def _middle(box: Box) -> tuple[float, float]:
    return (box.row_start + box.row_stop) / 2, (box.column_start + box.column_stop) / 2
