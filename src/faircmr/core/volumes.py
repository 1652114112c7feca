"""Volumes of the segmented structures, and the phases that they tell."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated

import numpy as np
from pydantic import Field

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.parameters import Parameters
from faircmr.core.scan import LabelImage
from faircmr.core.structures import ALL_STRUCTURES

CUBIC_MILLIMETRES = 1000.0
"""Of one millilitre."""

Millilitres = Annotated[float, Field(ge=0.0)]


class FrameVolumes(Parameters):
    """What was segmented in one frame.

    Attributes:
        frame: Place in the cardiac cycle, from 0; ``None`` for a frame that stands alone.
        phase: End diastole, end systole, or ``None`` for every other frame.
        lvbp_ml: Volume of the left-ventricular blood pool; ``None`` where the study does not have it, as the others.
        lvm_ml: Volume of the left-ventricular myocardium.
        rvbp_ml: Volume of the right-ventricular blood pool.
    """

    frame: Annotated[int, Field(ge=0)] | None
    phase: Phase | None = None
    lvbp_ml: Millilitres | None
    lvm_ml: Millilitres | None
    rvbp_ml: Millilitres | None

    @property
    def name(self) -> str:
        """Short name within a subject: ``ED``, ``ES``, ``frame07``; empty for a frame that stands alone."""
        if self.phase is not None:
            return str(self.phase)
        return "" if self.frame is None else f"frame{self.frame:02d}"


def structure_volumes(
    label: LabelImage, spacing: tuple[float, float, float], structures: Sequence[Structure] = ALL_STRUCTURES
) -> dict[Structure, float]:
    """Volume of each structure in millilitres: its voxels times the volume of one.

    Args:
        label: Values of :class:`~faircmr.core.anatomy.Structure` and 0, shape (slices, rows, columns).
        spacing: Millimetres between slices, rows and columns.
        structures: Which to measure.
    """
    counts = np.bincount(label.ravel(), minlength=max(Structure) + 1)
    return {structure: float(counts[structure]) * prod(spacing) / CUBIC_MILLIMETRES for structure in structures}


def phases_by_volume(lvbp: Sequence[float | None]) -> tuple[int, int] | None:
    """Frames of end diastole and end systole: the largest and the smallest blood pool.

    Args:
        lvbp: Volume of the left-ventricular blood pool in each frame; ``None`` where the study does not have it.

    Returns:
        Positions of ED and ES, the first of equals. A frame in which no blood pool was found is
        neither: a ventricle never empties. ``None`` where two frames do not differ.
    """
    found = {position: volume for position, volume in enumerate(lvbp) if volume}
    if not found:
        return None
    ed, es = max(found, key=found.__getitem__), min(found, key=found.__getitem__)
    return None if found[ed] == found[es] else (ed, es)


def with_phases(frames: Sequence[FrameVolumes]) -> tuple[FrameVolumes, ...]:
    """Frames of one subject with ED and ES named: by the files where they name a phase, else by volume."""
    phases = None if any(frame.phase for frame in frames) else phases_by_volume([frame.lvbp_ml for frame in frames])
    if phases is None:
        return tuple(frames)
    names = dict(zip(phases, Phase, strict=True))
    return tuple(frame.model_copy(update={"phase": names.get(place)}) for place, frame in enumerate(frames))
