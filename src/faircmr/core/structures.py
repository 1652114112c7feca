"""Which structures a study has: those that somebody has drawn at every phase."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from faircmr.core.anatomy import Structure
from faircmr.core.errors import InvalidCohortError
from faircmr.core.omissions import Omission
from faircmr.core.scan import LabelImage

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


def names_of(structures: Iterable[Structure]) -> str:
    """Names with spaces between them; as the table of scans says what a label shows."""
    return " ".join(structure.name for structure in structures)


def structures_shown(label: LabelImage | None) -> str:
    """Names of the structures that a label shows, e.g. ``LVBP LVM``; empty without a label.

    Args:
        label: Values of :class:`~faircmr.core.anatomy.Structure` and 0, shape (slices, rows, columns).
    """
    if label is None:
        return ""
    counts = np.bincount(label.ravel(), minlength=max(Structure) + 1)
    return names_of(structure for structure in Structure if counts[structure])


def structures_of_study(scans: pd.DataFrame) -> tuple[Structure, ...]:
    """Structures that are drawn at every phase at which anything is drawn.

    What some subjects lack is a structure of the study all the same. What nobody has drawn at a phase is none
    (docs/decisions/0023): there, training would teach that it is background, and scores that it was invented.

    Args:
        scans: One row a scan that training may see: ``phase`` and ``structures``, as :func:`structures_shown` says.

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
