"""Heart regions as a table: one row a subject and localiser."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from faircmr.segmentation.roi import Box

EDGES = tuple(Box.model_fields)
ROI_TYPES = {"subject_id": "str", "fold": "Int64", "found": "bool", "reason": "str", **dict.fromkeys(EDGES, "Int64")}


@dataclass(frozen=True)
class Located:
    """What a localiser says of one subject.

    Attributes:
        subject_id: Study key.
        box: The heart's region on the tensors' grid, or ``None`` where the full image is used.
        reason: Why there is no region; empty where there is one.
    """

    subject_id: str
    box: Box | None
    reason: str


def roi_table(rows: Iterable[tuple[int | None, Located]]) -> pd.DataFrame:
    """Table of regions.

    Args:
        rows: Fold of the localiser, and what it says of a subject.

    Returns:
        ``subject_id``, ``fold`` (missing without cross-validation), ``found``, ``reason`` and the edges
        of the region in pixels of the tensors' grid, missing where the full image is used.
    """
    records = [(one.subject_id, fold, one.box is not None, one.reason, *_edges(one.box)) for fold, one in rows]
    return pd.DataFrame(records, columns=list(ROI_TYPES)).astype(ROI_TYPES)


def rois_of(table: pd.DataFrame, fold: int | None) -> dict[str, Box]:
    """Regions of a fold by study key; those without one are left out.

    Args:
        table: ``subject_id``, the edges of the region, and with cross-validation ``fold``.
        fold: Which fold; ``None`` without cross-validation.
    """
    located = table["row_start"].notna()
    rows = table[located if fold is None else located & table["fold"].eq(fold)]
    edges = rows[list(EDGES)].astype(int).to_dict("records")
    return {subject_id: Box.model_validate(box) for subject_id, box in zip(rows["subject_id"], edges, strict=True)}


def with_rois(splits: pd.DataFrame, rois: pd.DataFrame) -> pd.DataFrame:
    """Rows of splits with the edges of each subject's region, in the same fold where there are folds.

    Args:
        splits: ``subject_id`` and perhaps ``fold``.
        rois: As :func:`roi_table` makes it; empty where full images are used.
    """
    by = ["subject_id", "fold"] if "fold" in splits else ["subject_id"]
    return splits.merge(rois[[*by, *EDGES]], on=by, how="left", validate="many_to_one")


def _edges(box: Box | None) -> tuple[int | None, ...]:
    return (None,) * len(EDGES) if box is None else tuple(getattr(box, edge) for edge in EDGES)
