"""Progress of training: a bar in a terminal, a line from time to time in a log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 10.0


class EpochReport(Protocol):
    """What a training says at the end of an epoch."""

    @property
    def epoch(self) -> int:
        """Epochs done."""

    @property
    def epochs(self) -> int:
        """Epochs in all."""

    @property
    def loss(self) -> float:
        """Mean training loss of the epoch."""

    @property
    def validation_dsc(self) -> float | None:
        """Mean validation DSC in 0..1, or ``None`` where it was not measured."""

    @property
    def seconds_left(self) -> float:
        """Estimated seconds to the end of the training."""


OnEpoch = Callable[[EpochReport], None]


@contextmanager
def training_progress(name: str, console: Console | None = None) -> Iterator[OnEpoch]:
    """Show the progress of one training.

    Args:
        name: What is trained, e.g. ``baseline seed-0/shared``.
        console: Where to show it; standard error by default.

    Yields:
        A callback for the end of each epoch: a bar with loss, validation DSC and time left on a
        terminal, otherwise a log line at most every ten seconds and one at the end.
    """
    console = console or Console(stderr=True)
    if console.is_terminal:
        with _bar(console) as progress:
            yield _update_of(progress, name)
    else:
        yield _log_of(name, time.monotonic)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        console=console,
    )


def _update_of(progress: Progress, name: str) -> OnEpoch:
    task = progress.add_task(name, total=None, state="")
    state_of = _describer()

    def on_epoch(report: EpochReport) -> None:
        progress.update(task, completed=report.epoch, total=report.epochs, state=state_of(report))

    return on_epoch


def _log_of(name: str, clock: Callable[[], float]) -> OnEpoch:
    last = clock()
    state_of = _describer()

    def on_epoch(report: EpochReport) -> None:
        nonlocal last
        now, state = clock(), state_of(report)
        if now - last >= SECONDS_BETWEEN_LINES or report.epoch == report.epochs:
            last = now
            logger.info("%s: epoch %d of %d, %s", name, report.epoch, report.epochs, state)

    return on_epoch


def _describer() -> Callable[[EpochReport], str]:
    """Describes each epoch, with the last validation DSC that was measured: not every epoch is validated."""
    validation = ""

    def describe(report: EpochReport) -> str:
        nonlocal validation
        if report.validation_dsc is not None:
            validation = f"validation DSC {100 * report.validation_dsc:.2f} %, "
        return f"loss {report.loss:.4f}, {validation}{_duration(report.seconds_left)} left"

    return describe


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
