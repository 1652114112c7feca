"""Gallery of the cohort: one example heart of each group at both phases, with contours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from faircmr.core.scans import Cohort, LabelImage, Phase, Scan, Structure
from faircmr.reporting.canvas import INK, PALE_INK, SKY_BLUE, VERMILLION, YELLOW, drawn_name, new_figure, to_png

FIELD_OF_VIEW_MM = 150.0
LONGEST_LINE = 16
"""Characters of a group's name before it is broken."""
PHASE_NAMES = {Phase.ED: "End diastole", Phase.ES: "End systole"}

# what readers of cardiac MR draw: the two walls of the left ventricle and the inside of the right
CONTOURS = {
    Structure.LVBP: ("LV endocardium", (Structure.LVBP,), VERMILLION),
    Structure.LVM: ("LV epicardium", (Structure.LVBP, Structure.LVM), YELLOW),
    Structure.RVBP: ("RV endocardium", (Structure.RVBP,), SKY_BLUE),
}
"""Name, what lies inside, and colour of the contour that is drawn where a structure is."""


@dataclass(frozen=True)
class GalleryExample:
    """One subject of the gallery.

    Attributes:
        group: Protected group that the subject stands for.
        scans: Scan of each phase that the subject has.
    """

    group: str
    scans: Mapping[Phase, Scan]


def examples_of(cohort: Cohort, subjects: pd.DataFrame) -> list[GalleryExample]:
    """First subject of each protected group, one with both phases where there is any.

    Args:
        cohort: Where the scans are read from; only those of the gallery are.
        subjects: Subject index: ``subject_id`` and ``protected_group``.

    Returns:
        One example a group, groups in alphabetical order.
    """
    chosen: dict[str, tuple[str, list[Phase]]] = {}
    for subject_id, group in zip(subjects["subject_id"], subjects["protected_group"], strict=True):
        phases = [phase for phase in Phase if (subject_id, phase) in cohort.files]
        if len(phases) > len(chosen[group][1] if group in chosen else ()):
            chosen[group] = subject_id, phases
    return [
        GalleryExample(str(group), {phase: cohort.read(subject_id, phase) for phase in phases})
        for group, (subject_id, phases) in sorted(chosen.items())
    ]


def mid_ventricular_slice(scan: Scan) -> int:
    """Index of the middle one of the slices that show the LV blood pool; of all slices without a label."""
    slices = np.arange(scan.geometry.shape[0])
    if scan.label is not None:
        shown = np.flatnonzero((scan.label == Structure.LVBP).any(axis=(1, 2)))
        slices = shown if shown.size else slices
    return int(slices[len(slices) // 2])


def cohort_gallery(examples: Sequence[GalleryExample]) -> bytes:
    """Mid-ventricular slices at end diastole and end systole, one column a group.

    Args:
        examples: One subject a group; a phase that it lacks is left blank.

    Returns:
        PNG. Every panel shows the same field of view in millimetres, centred on the heart.
    """
    figure = new_figure(1.6 * max(len(examples), 3), 3.7)
    axes = figure.subplots(len(Phase), len(examples), squeeze=False)
    for row, phase in zip(axes, Phase, strict=True):
        row[0].set_ylabel(PHASE_NAMES[phase], color=INK, fontsize=10)
        for panel, example in zip(row, examples, strict=True):
            panel.set(xticks=[], yticks=[], frame_on=False)
            if phase in example.scans:
                draw_slice(panel, example.scans[phase], mid_ventricular_slice(example.scans[phase]))
    for panel, example in zip(axes[0], examples, strict=True):
        name = drawn_name(example.group, LONGEST_LINE)
        panel.set_title(name, color=INK, fontsize=12, fontweight="bold", parse_math=False)
    handles = contour_legend(examples)
    legend = figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    for text in legend.get_texts():
        text.set_color(PALE_INK)
    return to_png(figure)


def draw_slice(panel: Axes, scan: Scan, slice_index: int) -> None:
    """Draw one slice in millimetres around the heart, with its contours.

    Args:
        panel: Where to draw.
        scan: Image and, where there is one, label.
        slice_index: Slice to show.
    """
    draw_image(panel, scan, slice_index)
    if scan.label is not None:
        draw_contours(panel, scan.label[slice_index], scan.geometry.spacing[1:])


def draw_image(panel: Axes, scan: Scan, slice_index: int) -> None:
    """Draw the image of one slice alone; arguments as for :func:`draw_slice`, whose label says where the heart is."""
    image = scan.image[slice_index]
    _, row_mm, column_mm = scan.geometry.spacing
    height, width = image.shape[0] * row_mm, image.shape[1] * column_mm
    shown = panel.imshow(image, cmap="gray", interpolation="bilinear", extent=(0.0, width, height, 0.0))
    shown.set_clim(*np.percentile(image, (1, 99.5)))
    row, column = _centre(scan)
    panel.set_xlim(*_window(column * column_mm, width))
    panel.set_ylim(*reversed(_window(row * row_mm, height)))


def draw_contours(
    panel: Axes, label: LabelImage, spacing: tuple[float, float], look: Mapping[str, Any] | None = None
) -> None:
    """Draw the contours of a label slice.

    Args:
        panel: Where to draw, in millimetres from the outer corner of the first pixel.
        label: Shape (rows, columns).
        spacing: Millimetres between rows and between columns.
        look: Options of :meth:`matplotlib.axes.Axes.contour` instead of the structures' own colours.
    """
    rows, columns = ((np.arange(size) + 0.5) * mm for size, mm in zip(label.shape, spacing, strict=True))
    for structure, (_, inside, colour) in CONTOURS.items():
        if (label == structure).any():
            filled = np.isin(label, inside).astype(float)
            panel.contour(
                columns, rows, filled, levels=[0.5], **{"colors": [colour], "linewidths": 1.1, **(look or {})}
            )


def contour_legend(examples: Sequence[GalleryExample]) -> list[Line2D]:
    """Legend entries of the contours that any of the examples has."""
    labels = [scan.label for example in examples for scan in example.scans.values() if scan.label is not None]
    return [
        Line2D([], [], color=colour, label=name, linewidth=2)
        for structure, (name, _, colour) in CONTOURS.items()
        if any((label == structure).any() for label in labels)
    ]


def _centre(scan: Scan) -> tuple[float, float]:
    """Row and column of the middle of the heart, the same for all slices; of the image without a label."""
    _, rows, columns = scan.geometry.shape
    if scan.label is None or not scan.label.any():
        return rows / 2, columns / 2
    _, shown_rows, shown_columns = np.nonzero(scan.label)
    return _middle(shown_rows), _middle(shown_columns)


def _middle(indices: npt.NDArray[np.intp]) -> float:
    return float(indices.min() + indices.max() + 1) / 2


def _window(centre: float, extent: float) -> tuple[float, float]:
    """Field of view around the centre, moved inward where it would leave the image."""
    side = min(FIELD_OF_VIEW_MM, extent)
    start = float(np.clip(centre - side / 2, 0.0, extent - side))
    return start, start + side
