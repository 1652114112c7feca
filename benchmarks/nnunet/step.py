"""One training step, side by side: same network, heads, clip, patch, batch, precision and threads.

Usage: python step.py --work WORK --nnunet .venv-nnunet --rounds 6 --steps 5

One process a side, which measure in turn. Both take the same batches again and again, drawn beforehand;
loading and augmentation are measured apart. Needs the crops of ``parity.py`` (its first three steps).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Mapping

from layout import HERE, Layout, write_json
from machine import machine
from options import base_parser, settled
from rounds import Measured, Side

BATCHES = 8


def main() -> None:
    options = parse()
    layout = Layout(options.work)
    seconds = {precision: measure(options, layout, precision) for precision in options.precision}
    print_steps(seconds)
    write_json(layout.result("step"), {"machine": machine(options.nnunet), "seconds": seconds})


def measure(options: argparse.Namespace, layout: Layout, precision: str) -> dict[str, Measured]:
    """Seconds by side and part of a step, in turns after one that warms up."""
    how = [precision, str(options.threads), str(BATCHES), options.device]
    theirs = [options.nnunet / "bin" / "python", HERE / "step_theirs.py", *how]
    ours = [sys.executable, HERE / "step_ours.py", layout.tensors, *how]
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    logs = layout.work / "logs"
    # nnU-Net's trainer makes its results folder even where it is not to write anything
    apart = layout.environment(options.threads, loaders=0) | {"nnUNet_results": str(layout.work / "step_results")}
    with (
        Side(theirs, apart, logs / "step_theirs.txt") as nnunet,
        Side(ours, environment, logs / "step_ours.txt") as faircmr,
    ):
        seconds: dict[str, Measured] = {"nnunet": {}, "ours": {}}
        for number in range(1 + options.rounds):
            for name, side in (("nnunet", nnunet), ("ours", faircmr)):
                measured = side.measure(options.steps)
                for part, values in measured.items():
                    seconds[name].setdefault(part, []).extend(values if number else [])
        return seconds


def print_steps(seconds: Mapping[str, Mapping[str, Measured]]) -> None:
    print("| precision | nnU-Net, s | faircmr, s | nnU-Net / faircmr | faircmr, loading and augmentation | nnU-Net's |")
    print("|---|---|---|---|---|---|")
    for precision, sides in seconds.items():
        middle = {
            (side, part): statistics.median(values) for side, parts in sides.items() for part, values in parts.items()
        }
        theirs, ours = middle["nnunet", "step"], middle["ours", "step"]
        own, other = middle["ours", "data"], middle["nnunet", "data"]
        print(
            f"| {precision} | {theirs:.3f} | {ours:.3f} | {theirs / ours:.3f} "
            f"| {1000 * own:.1f} ms, {own / middle['ours', 'whole']:.1%} of a step | {1000 * other:.1f} ms |"
        )


def parse() -> argparse.Namespace:
    parser = base_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=5, help="steps a round and side")
    parser.add_argument("--precision", nargs="+", choices=["full", "mixed"], default=["full", "mixed"])
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    return settled(parser)


if __name__ == "__main__":
    main()
