"""CPU time a subject that the embedded cohort costs on one core, both phases: drawn, and drawn and written.

python benchmarks/synthetic_speed.py --subjects 60
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from faircmr.sources.synthetic import SyntheticParameters, group_shift, synthesise, write_subject

GRIDS = {"64x64x9": SyntheticParameters(), "128x128x10": SyntheticParameters(size=128, slices=10, spacing=1.125)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=60)
    source_ids = [f"{'ABCDEF'[number % 6]}{number:04d}" for number in range(parser.parse_args().subjects)]
    print("| grid | drawn, ms | drawn and written, ms |\n|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="faircmr-synthetic-") as folder:
        for grid, parameters in GRIDS.items():
            drawn = [milliseconds(draw, parameters, source_id) for source_id in source_ids]
            written = [
                milliseconds(lambda p, s: write_subject(Path(folder), p, s), parameters, source_id)
                for source_id in source_ids
            ]
            print(f"| {grid} | {described(drawn)} | {described(written)} |")


def draw(parameters: SyntheticParameters, source_id: str) -> None:
    synthesise(parameters, source_id, group_shift(parameters.cohort_seed, source_id[0], parameters.shift_strength))


def milliseconds(
    work: Callable[[SyntheticParameters, str], None], parameters: SyntheticParameters, source_id: str
) -> float:
    start = time.process_time()
    work(parameters, source_id)
    return 1000.0 * (time.process_time() - start)


def described(times: list[float]) -> str:
    return f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"


if __name__ == "__main__":
    main()
