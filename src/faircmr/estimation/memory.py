"""Memory that a process has for itself, sampled while it works."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

STATUS = Path("/proc/self/status")
INTERVAL = 0.005
"""Seconds between two samples. Memory that is freed stays with a training process, so that little is missed."""


@dataclass
class Peak:
    """The largest of all samples, in bytes; NaN where the system does not tell."""

    value: float = math.nan


def private_bytes() -> float:
    """Anonymous resident memory of this process (RssAnon): neither files that it maps nor what was swapped out.

    Returns:
        Bytes; NaN on systems other than Linux.
    """
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return math.nan
    return next((1024.0 * int(line.split()[1]) for line in lines if line.startswith("RssAnon:")), math.nan)


@contextmanager
def sampled_peak() -> Iterator[Peak]:
    """Sample :func:`private_bytes` until the block is left."""
    peak, ended = Peak(private_bytes()), Event()

    def sample() -> None:
        while not ended.wait(INTERVAL):
            peak.value = max(peak.value, private_bytes())

    thread = Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()
        peak.value = max(peak.value, private_bytes())
