"""Whole processes, timed in turn, and ratios of medians."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

Command = Sequence[str | Path]
Name = TypeVar("Name")


def seconds_of(command: Command, environment: Mapping[str, str] | None = None, folder: Path | None = None) -> float:
    """Wall time of a process from start to end; what it prints is shown only if it fails."""
    started = time.perf_counter()
    process = subprocess.run(
        [str(part) for part in command], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if process.returncode:
        raise SystemExit(f"{command[0]} failed:\n{process.stdout[-2000:]}\n{process.stderr[-4000:]}")
    return seconds


def alternate(measured: Mapping[Name, Callable[[], float]], repeats: int) -> dict[Name, list[float]]:
    """Call each in turn, as often as asked, so that a change of the machine's pace meets all alike."""
    seconds: dict[Name, list[float]] = {name: [] for name in measured}
    for _ in range(repeats):
        for name, measure in measured.items():
            seconds[name].append(measure())
            print(f"{name}: {seconds[name][-1]:.2f} s", flush=True)
    return seconds


def print_times(title: str, seconds: Mapping[str, Sequence[float]], reference: str) -> None:
    """Medians and ranges as a Markdown table, with the ratio of the reference's median to each."""
    print(f"\n| {title} | s, median (min to max) | times faster than {reference} |\n|---|---|---|")
    slow = statistics.median(seconds[reference])
    for name, runs in seconds.items():
        middle = statistics.median(runs)
        print(f"| {name} | {middle:.3f} ({min(runs):.3f} to {max(runs):.3f}) | {slow / middle:.2f} |")


def ratios(seconds: Mapping[str, Sequence[float]], reference: str) -> dict[str, float]:
    """Median of the reference over the median of each."""
    slow = statistics.median(seconds[reference])
    return {name: slow / statistics.median(runs) for name, runs in seconds.items()}
