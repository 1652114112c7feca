"""What a fit tells about its progress; it neither prints nor logs by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch.

    Attributes:
        name: The fit, e.g. ``seed-0/shared``.
        epoch: Epochs done, from 1.
        epochs: Epochs of the schedule.
        loss: Mean training loss of the epoch.
        validation_dsc: Mean over structures, 0..1; ``None`` where this epoch was not validated.
        seconds_left: Until the fit is done, at the pace since it was started or resumed.
    """

    name: str
    epoch: int
    epochs: int
    loss: float
    validation_dsc: float | None
    seconds_left: float


OnEpoch = Callable[[EpochReport], None]


def ignore(report: EpochReport) -> None:
    """Listen to nothing."""
