"""A short-axis cine out of DICOM images, whatever they came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from faircmr.core.errors import InvalidScanError
from faircmr.core.scan import Geometry, Image
from faircmr.sources.dicom.acquisitions import Clock, acquisitions_of, chosen, clock_of, without_copies
from faircmr.sources.dicom.grid import check_one_grid, irregularities, slices_of, stack_geometry
from faircmr.sources.dicom.headers import RESTORE, Frame
from faircmr.sources.dicom.pixels import output_type, read_pixels

Stack = Sequence[Sequence[Frame]]
"""Images by slice and phase."""
FEWEST_PHASES = 2
RESTORE_IMAGES = "restore the images of the whole cine"


@dataclass(frozen=True, eq=False)
class ShortAxisCine:
    """A stack of slices over the heart cycle, whose pixels are read when they are asked for.

    Attributes:
        uids: SOPInstanceUID by slice and phase.
        geometry: Grid of one phase; slices along the normal of the images.
        trigger_times: Milliseconds after the R wave by slice and phase; NaN where headers do not say.
        stored_type: Type that holds the intensities without loss.
        problems: What was found and how it was resolved, ``<what>: <count>``; nothing that leads to a person.
        stack: The images, by slice and phase.
    """

    uids: tuple[tuple[str, ...], ...] = field(repr=False)
    geometry: Geometry
    trigger_times: tuple[tuple[float, ...], ...]
    stored_type: np.dtype[Any]
    problems: tuple[str, ...]
    stack: Stack = field(repr=False)

    @property
    def phases(self) -> int:
        """Number of phases."""
        return len(self.stack[0])

    def frame(self, index: int) -> Image:
        """Intensities of one phase.

        Args:
            index: Place of the phase, from 0.

        Returns:
            Rescaled intensities, shape (slices, rows, columns).

        Raises:
            InvalidScanError: An image is damaged or shorter than it should be.
        """
        images = [of_slice[index] for of_slice in self.stack]
        return np.stack([read_pixels(image.read(), image.header) for image in images])


def build_cine(frames: Sequence[Frame], contoured: Collection[str]) -> ShortAxisCine:
    """Put the images of one cine in order.

    Slices are in the order of their positions, phases in the order of trigger times. Of several acquisitions of
    a slice the one with contours is taken, else the last of those with most phases. All slices have the number of
    phases that most have: a slice at an end of the stack that has another one is left out, one inside the stack is
    refused.

    Args:
        frames: Images of one short-axis cine and of nothing else, in any order.
        contoured: SOPInstanceUIDs that somebody has drawn on; may be empty.

    Raises:
        InvalidScanError: The images are no stack of at least 2 slices and 2 phases on one grid.
    """
    if not frames:
        raise InvalidScanError("scan", "there are no images", "DICOM images of a short-axis cine", RESTORE_IMAGES)
    check_one_grid([frame.header for frame in frames])
    kept = without_copies(frames, contoured)
    _check_uids(kept)
    clock, timed = clock_of(kept)
    if clock is None:
        permitted = "TriggerTime or InstanceNumber in every image"
        raise InvalidScanError("scan", "the order of phases is unknown", permitted, RESTORE)
    once, repeats = _acquired_once(slices_of(kept), clock, contoured)
    stack, incomplete = _with_equal_phases(once)
    first = [of_slice[0].header for of_slice in stack]
    problems = (
        *_counted(len(frames) - len(kept), "images that stand twice, taken once"),
        *repeats,
        *(() if timed else ("TriggerTime does not tell the phases apart, their order is that of InstanceNumber",)),
        *incomplete,
        *irregularities(first),
    )
    return ShortAxisCine(
        uids=tuple(tuple(frame.header.uid for frame in of_slice) for of_slice in stack),
        geometry=stack_geometry(first),
        trigger_times=tuple(tuple(clock(frame) if timed else np.nan for frame in of_slice) for of_slice in stack),
        stored_type=output_type(frozenset(frame.header.pixels for of_slice in stack for frame in of_slice)),
        problems=problems,
        stack=stack,
    )


def _check_uids(frames: Sequence[Frame]) -> None:
    repeated = len(frames) - len({frame.header.uid for frame in frames})
    if repeated:
        raise InvalidScanError(
            "scan",
            f"images that share a SOPInstanceUID: {repeated}",
            "one of its own for each image",
            "remove copies, and let anonymising give each image a UID of its own",
        )


def _acquired_once(slices: Stack, clock: Clock, contoured: Collection[str]) -> tuple[Stack, tuple[str, ...]]:
    """One acquisition of each slice, and what is to be said of the others."""
    choices = [acquisitions_of(of_slice, clock) for of_slice in slices]
    taken = [chosen(acquisitions, contoured) for acquisitions in choices]
    drawn_on = [drawn for acquisitions, (_, drawn) in zip(choices, taken, strict=True) if len(acquisitions) > 1]
    problems = (
        *_counted(sum(drawn_on), "slices acquired more than once, the acquisition with contours taken"),
        *_counted(len(drawn_on) - sum(drawn_on), "slices acquired more than once, the last whole one taken"),
    )
    return [acquisition for acquisition, _ in taken], problems


def _with_equal_phases(slices: Stack) -> tuple[Stack, tuple[str, ...]]:
    counts = Counter(len(of_slice) for of_slice in slices)
    usual = max(counts, key=lambda phases: (counts[phases], phases))
    complete = [place for place, of_slice in enumerate(slices) if len(of_slice) == usual]
    inside = slices[complete[0] : complete[-1] + 1]
    if len(inside) != len(complete):
        found = f"slices inside the stack with other than {usual} phases: {len(inside) - len(complete)}"
        raise InvalidScanError("scan", found, "the same number of phases in every slice", "restore the missing images")
    if usual < FEWEST_PHASES or len(inside) < 2:
        found = f"{len(inside)} slices of {usual} phases"
        raise InvalidScanError("scan", found, f"a cine: 2 slices and {FEWEST_PHASES} phases or more", RESTORE_IMAGES)
    left_out = len(slices) - len(inside)
    return inside, _counted(left_out, f"slices at an end of the stack with other than {usual} phases, left out")


def _counted(count: int, what: str) -> tuple[str, ...]:
    return (f"{what}: {count}",) if count else ()
