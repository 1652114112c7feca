"""Heart regions as a table: one row a subject and localiser."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from faircmr.core.omissions import Omission
from faircmr.segmentation.roi import Box

EDGES = tuple(Box.model_fields)
HEART_EDGES = tuple(f"heart_{edge}" for edge in EDGES)
ROI_TYPES = {
    "subject_id": "str",
    "fold": "Int64",
    "found": "bool",
    "reason": "str",
    **dict.fromkeys((*EDGES, *HEART_EDGES), "Int64"),
}


@dataclass(frozen=True)
class Located:
    """What a localiser says of one subject.

    Attributes:
        subject_id: Study key.
        box: The heart's region on the tensors' grid, or ``None`` where the full image is used.
        reason: Why there is no region; empty where there is one.
        heart: What was found, before a margin and the patch enlarged it to the region.
        whole: Whether the region is the whole image, because that is no larger than the patch.
    """

    subject_id: str
    box: Box | None
    reason: str
    heart: Box | None = None
    whole: bool = False


def roi_table(rows: Iterable[tuple[int | None, Located]]) -> pd.DataFrame:
    """Table of regions.

    Args:
        rows: Fold of the localiser, and what it says of a subject.

    Returns:
        ``subject_id``, ``fold`` (missing without cross-validation), ``found``, ``reason`` and the edges
        of the region and of the heart in pixels of the tensors' grid, missing where the full image is used.
    """
    records = [
        (one.subject_id, fold, one.box is not None, one.reason, *_edges(one.box), *_edges(one.heart))
        for fold, one in rows
    ]
    return pd.DataFrame(records, columns=list(ROI_TYPES)).astype(ROI_TYPES)


def unlocated_hearts(table: pd.DataFrame) -> list[Omission]:
    """Subjects whose heart was not found, or not credibly, by reason.

    Args:
        table: As :func:`roi_table` makes it; with cross-validation a subject counts once a fold.
    """
    what = "subjects" if table["fold"].isna().all() else "subjects, counted once a fold,"
    reasons = table.loc[~table["found"], "reason"].value_counts().sort_index()
    return [
        Omission(what, int(count), len(table), f"heart not located ({reason})", outcome="segmented on the full image")
        for reason, count in reasons.items()
    ]


def rois_of(table: pd.DataFrame, fold: int | None) -> dict[str, Box]:
    """Regions of a fold by study key; those without one are left out.

    Args:
        table: ``subject_id``, the edges of the region, and with cross-validation ``fold``.
        fold: Which fold; ``None`` without cross-validation.
    """
    return _boxes(table, fold, EDGES)


def hearts_of(table: pd.DataFrame, fold: int | None) -> dict[str, Box]:
    """What the localiser of a fold found, by study key; arguments as for :func:`rois_of`."""
    return _boxes(table, fold, HEART_EDGES)


def _boxes(table: pd.DataFrame, fold: int | None, edges: Sequence[str]) -> dict[str, Box]:
    located = table[edges[0]].notna()
    rows = table[located if fold is None else located & table["fold"].eq(fold)]
    values = rows[list(edges)].astype(int).to_numpy().tolist()
    boxes = (Box(**dict(zip(EDGES, each, strict=True))) for each in values)
    return dict(zip(rows["subject_id"], boxes, strict=True))


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
