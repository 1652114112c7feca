"""Wall time and peak private memory of the commands that a user types, each in a process of its own.

    python benchmarks/study_speed.py --repeats 3

Private memory is what the kernel counts as private to the process (``smaps_rollup``), so that
memory-mapped tensors, which it can drop at any time, are not counted. Linux only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    seconds: float
    private_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    rows: dict[str, list[Measured]] = {}
    for _ in range(repeats):
        folder = Path(tempfile.mkdtemp(prefix="faircmr-speed-"))
        try:
            for name, measured in one_round(folder):
                rows.setdefault(name, []).append(measured)
        finally:
            shutil.rmtree(folder)
    print("| command | seconds, median (min to max) | peak private memory, MiB |\n|---|---|---|")
    for name, runs in rows.items():
        seconds = [run.seconds for run in runs]
        memory = max(run.private_mib for run in runs)
        print(
            f"| {name} | {statistics.median(seconds):.1f} ({min(seconds):.1f} to {max(seconds):.1f}) | {memory:.0f} |"
        )


def one_round(folder: Path) -> list[tuple[str, Measured]]:
    first, second = folder / "stratified", folder / "all"
    return [
        (
            "embedded cohort prepared (`--pipelines data_engineering`)",
            kedro_run(second, "--pipelines", "data_engineering"),
        ),
        ("`kedro run --pipelines stratified` from nothing", kedro_run(first, "--pipelines", "stratified")),
        ("`kedro run` after data engineering", kedro_run(second)),
        ("`kedro run` with nothing to do", kedro_run(second)),
    ]


def kedro_run(data_root: Path, *arguments: str) -> Measured:
    parameters = f"data_root={data_root},source_root={data_root / '01_raw' / 'scans'}"
    command = [sys.executable, "-m", "kedro", "run", *arguments, "--params", parameters]
    return measure(command)


def measure(command: Sequence[str]) -> Measured:
    environment = {**os.environ, "KEDRO_DISABLE_TELEMETRY": "1"}
    start = time.perf_counter()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, private_mib(process.pid))
        time.sleep(0.05)
    seconds = time.perf_counter() - start
    if process.returncode:
        message = process.stderr.read().decode() if process.stderr else ""
        raise SystemExit(f"{' '.join(command)} failed:\n{message}")
    return Measured(seconds, peak)


def private_mib(pid: int) -> float:
    """Private memory of a process and of all that it started."""
    processes = [pid, *descendants(pid)]
    return sum(own_private_mib(one) for one in processes)


def descendants(pid: int) -> list[int]:
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*children, *(below for child in children for below in descendants(child))]


def own_private_mib(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


if __name__ == "__main__":
    main()
