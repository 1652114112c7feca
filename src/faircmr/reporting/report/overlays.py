"""Cases as images with two sets of contours: what was drawn, and what a strategy says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.cohort import Cohort
from faircmr.core.prediction import PredictionKey, Predictions
from faircmr.core.scan import LabelImage, Scan
from faircmr.reporting.canvas import INK, PALE_INK, drawn_name, new_figure, to_jpeg
from faircmr.reporting.gallery import (
    GalleryExample,
    contour_legend,
    draw_contours,
    draw_image,
    mid_ventricular_slice,
)

REFERENCE: Mapping[str, Any] = {"colors": ["white"], "linewidths": 1.9}
"""Below the prediction: where both agree, a coloured line lies in a white one."""
LONGEST_LINE = 16
"""Characters of a group's name before it is broken."""


def overlay_picture(rows: pd.DataFrame, cohort: Cohort, predictions: Predictions) -> bytes:
    """Cases of one strategy: image, contours of reference and prediction, and the lowest DSC below.

    Args:
        rows: Of one strategy, as :func:`~faircmr.reporting.report.cases.extreme_cases` makes them.
        cohort: Where images and references are read from.
        predictions: Of the strategy.

    Returns:
        JPEG with a column a group, the best above the worst.
    """
    groups, lines = list(dict.fromkeys(rows["group"])), sorted(set(zip(rows["which"], rows["place"], strict=True)))
    figure = new_figure(1.35 * max(len(groups), 3), 0.35 + 1.55 * len(lines))
    axes = figure.subplots(len(lines), len(groups), squeeze=False)
    for panel in axes.ravel():
        panel.set(xticks=[], yticks=[], frame_on=False)
    for panel, group in zip(axes[0], groups, strict=True):
        panel.set_title(drawn_name(group, LONGEST_LINE), color=INK, fontsize=9, fontweight="bold", parse_math=False)
    for panel, (which, _) in zip(axes[:, 0], lines, strict=True):
        panel.set_ylabel(which, color=INK, fontsize=9)
    shown = []
    for row in rows.itertuples(index=False):
        panel = axes[lines.index((row.which, row.place)), groups.index(row.group)]
        shown.append(_draw_case(panel, row, cohort, predictions))
    legend = [Line2D([], [], color="#BBBBBB", linewidth=3, label="reference (white)"), *contour_legend(shown)]
    figure.legend(handles=legend, loc="outside lower center", ncols=4, frameon=False, fontsize=8, labelcolor=PALE_INK)
    return to_jpeg(figure)


def _slice_that_differs(scan: Scan, predicted: LabelImage, structure: Structure) -> int:
    """Slice with most pixels that one of prediction and reference shows alone; the middle one where they agree."""
    if scan.label is not None:
        pixels = ((scan.label == structure) != (predicted == structure)).sum(axis=(1, 2))
        if pixels.any():
            return int(pixels.argmax())
    return mid_ventricular_slice(scan)


def _draw_case(panel: Axes, row: Any, cohort: Cohort, predictions: Predictions) -> GalleryExample:
    phase = Phase(row.phase)
    scan = cohort.read(row.subject_id, phase)
    seed, fold = (None if pd.isna(one) else int(one) for one in (row.seed, row.fold))
    predicted = predictions[PredictionKey(seed, fold, row.subject_id, phase)].label
    place, spacing = _slice_that_differs(scan, predicted, Structure[row.structure]), scan.geometry.spacing[1:]
    draw_image(panel, scan, place)
    if scan.label is not None:
        draw_contours(panel, scan.label[place], spacing, REFERENCE)
    draw_contours(panel, predicted[place], spacing, {"linewidths": 0.8})
    panel.set_xlabel(f"{row.phase} {row.structure} {100 * row.dsc:.1f} %", color=INK, fontsize=8)
    drawn = replace(
        scan, label=np.where(scan.label == 0, predicted, scan.label) if scan.label is not None else predicted
    )
    return GalleryExample(str(row.group), {phase: drawn})
