"""One scorer for both sides: DSC on the full native grid, and the paired interval of their difference."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from nnunet_dataset import AS_STORED, acdc_files, case_name
from scipy.stats import t

from faircmr.fairness.metrics import dice_score
from faircmr.segmentation.localiser import Box
from faircmr.sources import Acdc, read_label, read_scan


def score_folder(root: Path, folder: Path, boxes: Mapping[str, Box] | None) -> list[dict[str, Any]]:
    """DSC of each structure of each volume in a folder of predictions.

    Args:
        root: ACDC, whose full labels are the reference.
        folder: Predictions in ACDC's values.
        boxes: Where the crops were taken from; what lies outside of a crop counts as missed.
    """
    rows = []
    for (subject, phase), files in acdc_files(root).items():
        path = folder / f"{case_name(subject, phase)}.nii.gz"
        if not path.is_file():
            continue
        reference = read_scan(files, AS_STORED).label
        if reference is None:
            raise SystemExit(f"{path.name}: no reference")
        prediction, _ = read_label(path)
        if boxes is not None:
            prediction = pasted(prediction, boxes[subject], reference.shape)
        # both label images hold ACDC's values here, so that structures are named by these
        scores = dice_score(prediction, reference, [AS_STORED[value] for value in Acdc.label_values])
        for structure, dsc in zip(Acdc.label_values.values(), scores, strict=True):
            rows.append({"subject": subject, "phase": str(phase), "structure": structure.name, "dsc": float(dsc)})
    return rows


def pasted(prediction: np.ndarray, box: Box, shape: tuple[int, ...]) -> np.ndarray:
    """A crop's prediction in its place in the full volume."""
    full = np.zeros(shape, dtype=prediction.dtype)
    full[:, *box.slices] = prediction
    return full


def by_subject(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over structures and phases: one row a subject and seed, one column a side."""
    return scores.pivot_table(index=["subject", "seed"], columns="side", values="dsc")


def paired_interval(scores: pd.DataFrame, level: float = 0.95) -> tuple[float, float, float]:
    """Mean difference (ours - nnU-Net) and its interval by Student's t over subjects.

    Subjects are the sample; their differences are averaged over seeds first.
    """
    means = by_subject(scores).dropna()
    difference = (means["ours"] - means["nnunet"]).groupby("subject").mean()
    centre = float(difference.mean())
    half = float(t.ppf((1 + level) / 2, len(difference) - 1) * difference.sem())
    return centre, centre - half, centre + half
