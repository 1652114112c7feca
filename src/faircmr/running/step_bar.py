"""One node under way, as it is shown: a bar with the time left on a terminal, a line now and then in a log."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from threading import Lock

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

SECONDS_BETWEEN_LINES = 10.0
logger = logging.getLogger(__name__)


class Step:
    """One node under way.

    Args:
        name: Of the node.
        total: Scans that it will read; ``None`` where nobody knows.
        last_time: Seconds that it took in another run, or ``None``.
        console: Where to show it. On a terminal a bar, which goes with the step; elsewhere a log line at most every
            ten seconds.
    """

    def __init__(self, name: str, total: int | None, last_time: float | None, console: Console) -> None:
        self._name, self._total, self._done = name, total, 0
        self._began = self._last = time.monotonic()
        self._lock = Lock()
        self._bar = _bar(console, total) if console.is_terminal else None
        if self._bar is not None:
            self._task = self._bar.add_task(name, total=total, last_time=last_time)
            self._bar.start()

    def advance(self) -> None:
        """One more scan has been read; may be called by several threads."""
        with self._lock:
            self._done += 1
            if self._bar is not None:
                self._bar.update(self._task, completed=self._done)
            elif time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
                self._last = time.monotonic()
                logger.info("%s: %s", self._name, self._state())

    def close(self) -> None:
        """The step has ended, well or not."""
        if self._bar is not None:
            self._bar.stop()

    def _state(self) -> str:
        if self._total is None:
            return f"{self._done} done"
        left = (self._last - self._began) / self._done * max(self._total - self._done, 0)
        return f"{self._done} of {self._total}, {timedelta(seconds=round(left))} left"


def _bar(console: Console, total: int | None) -> Progress:
    known = [MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("left")]
    columns = [TimeElapsedColumn(), _LeftAsLastTime()] if total is None else known
    return Progress(TextColumn("{task.description}"), BarColumn(), *columns, console=console, transient=True)


class _LeftAsLastTime(ProgressColumn):
    """Time left, if it takes as long as the last time."""

    def render(self, task: Task) -> Text:
        last_time = task.fields["last_time"]
        if last_time is None:
            return Text()
        return Text(f"about {timedelta(seconds=round(max(last_time - (task.elapsed or 0.0), 0.0)))} left")
