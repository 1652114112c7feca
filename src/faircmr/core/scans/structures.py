"""Structures of label images: which ones a study has, which ones share a border, and their volumes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from faircmr.core import InvalidCohortError, Omission, Parameters
from faircmr.core.scans.anatomy import Phase, Structure
from faircmr.core.scans.cohort import LabelImage, nonzero_box

ALL_STRUCTURES = tuple(Structure)


def structure_named(name: object) -> Structure:
    """Structure of this name, or the structure itself.

    Raises:
        ValueError: There is none.
    """
    if isinstance(name, str) and name in Structure.__members__:
        return Structure[name]
    if isinstance(name, Structure):
        return name
    raise ValueError(f"one of: {', '.join(Structure.__members__)}")


def _ordered(structures: tuple[Structure, ...]) -> tuple[Structure, ...]:
    return tuple(sorted(set(structures)))


NamedStructure = Annotated[Structure, BeforeValidator(structure_named), PlainSerializer(lambda one: one.name, str)]
"""A structure that files call by its name."""
Structures = Annotated[tuple[NamedStructure, ...], Field(min_length=1), AfterValidator(_ordered)]
"""Structures of a study, each once, in the order of their values."""


def join_structure_names(structures: Iterable[Structure]) -> str:
    """Names with spaces between them; as the table of scans says what a label shows."""
    return " ".join(structure.name for structure in structures)


def structures_in_label(label: LabelImage | None) -> str:
    """Names of the structures that a label shows, e.g. ``LVBP LVM``; empty without a label.

    Args:
        label: Values of :class:`~faircmr.core.scans.Structure` and 0, shape (slices, rows, columns).
    """
    if label is None:
        return ""
    counts = np.bincount(label.ravel(), minlength=max(Structure) + 1)
    return join_structure_names(structure for structure in Structure if counts[structure])


def structures_of_study(scans: pd.DataFrame) -> tuple[Structure, ...]:
    """Structures that are drawn at every phase at which anything is drawn.

    What some subjects lack is a structure of the study all the same. What nobody has drawn at a phase is none
    (docs/decisions/0023): there, training would teach that it is background, and scores that it was invented.

    Args:
        scans: One row a scan that training may see: ``phase`` and ``structures``, as :func:`structures_in_label` says.

    Returns:
        In the order of their values; all that there are where no scan has a label.

    Raises:
        InvalidCohortError: Scans have labels, and none of the structures is drawn at every phase.
    """
    drawn = _drawn(scans)
    if not drawn:
        return ALL_STRUCTURES
    everywhere = set.intersection(*drawn.values())
    if not everywhere:
        found = f"none is drawn at each of {', '.join(drawn)}"
        raise InvalidCohortError("structures", found, "at least one structure that is drawn at every phase")
    return tuple(structure for structure in Structure if structure.name in everywhere)


def undrawn_structures(scans: pd.DataFrame) -> list[Omission]:
    """Structures that are drawn at some phase and not at another one, and so are not part of the study.

    Args:
        scans: As for :func:`structures_of_study`.
    """
    drawn = _drawn(scans)
    somewhere, everywhere = set[str]().union(*drawn.values()), set.intersection(*drawn.values()) if drawn else set()
    return [
        Omission("structures", 1, len(somewhere), f"{name} is drawn at {phases} only")
        for name in sorted(somewhere - everywhere)
        for phases in [", ".join(phase for phase, names in drawn.items() if name in names)]
    ]


def _drawn(scans: pd.DataFrame) -> dict[str, set[str]]:
    """Names of the structures that are drawn at each phase at which anything is."""
    labelled = scans[scans["structures"] != ""]
    return {str(phase): set(" ".join(rows).split()) for phase, rows in labelled.groupby("phase")["structures"]}


CLEARLY_MORE = 0.2
"""Difference between two shares of a border that hearts do not differ by; see :func:`infer_pool_and_wall`."""
HEART = (Structure.LVBP, Structure.LVM, Structure.RVBP)
DECLARED = (Structure.LVBP, Structure.LVM)
"""Inner and outer structure where values mean what is declared."""


def infer_pool_and_wall(label: LabelImage) -> tuple[Structure, Structure] | None:
    """Which structure is inside which other one, as the left-ventricular blood pool is inside its myocardium.

    In short-axis slices the border of the pool is a border with the wall almost everywhere; other structures share less
    than half of their border with any other. In 100 scans of ACDC the first share is 0.987 to 1, the largest of the
    others 0.33 to 0.45.

    Args:
        label: Values of :class:`~faircmr.core.scans.Structure` and 0, shape (slices, rows, columns).

    Returns:
        Inner and outer structure: LVBP and LVM unless another pair shares a border that is larger by
        :data:`CLEARLY_MORE`, as it does where values mean something else than declared. ``None`` where LVBP or LVM is
        not shown, so that nothing can be told.
    """
    touching = _touching(label)
    borders = touching.sum(axis=1)
    if not borders[Structure.LVBP] or not borders[Structure.LVM]:
        return None
    shares = {
        (inner, outer): float(touching[inner, outer] / borders[inner])
        for inner in HEART
        for outer in HEART
        if inner is not outer and borders[inner]
    }
    largest = max(shares, key=shares.__getitem__)
    return largest if shares[largest] > shares[DECLARED] + CLEARLY_MORE else DECLARED


def _touching(label: LabelImage) -> npt.NDArray[np.int64]:
    """How many sides of voxels separate two labels in the slices, shape (labels, labels), symmetric, diagonal 0."""
    count = max(Structure) + 1
    table = np.zeros(count * count, dtype=np.int64)
    # with a margin, so that the sides of the box are borders with the background
    heart = np.pad(label[nonzero_box(label)], ((0, 0), (1, 1), (1, 1)))
    for one, other in ((heart[:, 1:], heart[:, :-1]), (heart[..., 1:], heart[..., :-1])):
        apart = one != other
        pairs = one[apart].astype(np.intp) * count + other[apart]
        table += np.bincount(pairs, minlength=count * count)
    both = table.reshape(count, count)
    return both + both.T


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
        label: Values of :class:`~faircmr.core.scans.Structure` and 0, shape (slices, rows, columns).
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
