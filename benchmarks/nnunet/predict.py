"""Prediction of the 20 test volumes as whole processes, each side with its own weights of ``parity.py``.

Usage: python predict.py --work WORK --nnunet .venv-nnunet --acdc ACDC --repeats 3

Raw volumes in, label volumes out; ``crops`` are those that both sides trained on, ``full`` the volumes as ACDC
publishes them, of which our side segments the region of the heart (boxes given beforehand, and found by the
localiser of ``ten_minutes.py`` where there is one). nnU-Net's command runs with one and with two processes for
reading and for writing, and always in float32: it has no other precision on a CPU. Ours runs in both. Mean DSC on
the full native grid stands beside the times.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from layout import CROPS, FULL, HERE, Layout, read_json, write_json
from machine import machine
from nnunet_dataset import write_dataset
from options import base_parser, settled
from parity import nnunet_predict_command
from scoring import score_folder
from timing import alternate, seconds_of

from faircmr.segmentation.localiser import Box


def main() -> None:
    options = parse()
    layout = Layout(options.work)
    if not (layout.fit(options.seed).is_dir() and layout.nnunet_model(options.seed).is_dir()):
        raise SystemExit(f"no weights of seed {options.seed} for both sides: make benchmark-parity first")
    if not (layout.raw / FULL / "dataset.json").is_file():
        write_dataset(options.acdc, layout.raw / FULL)
    rows = [row for tta in options.tta for row in compare(options, layout, tta=tta == "on")]
    print_rows(rows)
    write_json(layout.result("predict"), {"machine": machine(options.nnunet), "rows": rows})


def compare(options: argparse.Namespace, layout: Layout, *, tta: bool) -> list[dict[str, Any]]:
    """Seconds and DSC of every variant with this setting of test-time augmentation."""
    commands = variants(options, layout, tta=tta)
    folders = {name: options.work / "predict" / f"{number}-{tta}" for number, name in enumerate(commands)}
    calls = {name: partial(timed, command, folders[name]) for name, command in commands.items()}
    seconds = alternate(calls, options.repeats)
    boxes = {subject: Box(**box) for subject, box in read_json(layout.boxes).items()}
    rows = []
    for name, runs in seconds.items():
        scores = score_folder(options.acdc, folders[name], boxes if name[1] == "crops" else None)
        dsc = float(np.nanmean([row["dsc"] for row in scores]))
        rows.append({"side": name[0], "volumes": name[1], "how": name[2], "tta": tta, "seconds": runs, "dsc": dsc})
    return rows


Name = tuple[str, str, str]
Started = tuple[list[str | Path], Mapping[str, str]]


def variants(options: argparse.Namespace, layout: Layout, *, tta: bool) -> dict[Name, Started]:
    """Commands by side, volumes and manner; each lacks the folder to write to, its last argument."""
    found: dict[Name, Started] = {}
    fit: list[str | Path] = [sys.executable, HERE / "predict_ours.py", "--fit", layout.fit(options.seed)]
    fit += ["--threads", str(options.threads), *(["--tta"] if tta else [])]
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    for volumes in options.volumes:
        images = layout.raw / (CROPS if volumes == "crops" else FULL) / "imagesTs"
        for processes in options.processes:
            command = nnunet_predict_command(options.nnunet, layout, options.seed, processes=processes, tta=tta)
            theirs = [*command, "-i", images, "-o"]
            found["nnU-Net", volumes, f"-npp {processes} -nps {processes}"] = (
                theirs,
                layout.environment(options.threads, options.seed),
            )
        for how, region in regions(layout, volumes).items():
            for precision in options.precision:
                ours: list[str | Path] = [*fit, "--precision", precision, *region, images]
                found["faircmr", volumes, f"{how}, {precision} precision"] = (ours, environment)
    return found


def regions(layout: Layout, volumes: str) -> dict[str, list[str | Path]]:
    if volumes == "crops":
        return {"as it is": []}
    localiser = layout.localiser
    given: dict[str, list[str | Path]] = {"boxes given": ["--boxes", layout.boxes]}
    return given | ({"localiser included": ["--localiser", localiser]} if localiser.is_dir() else {})


def timed(started: Started, to: Path) -> float:
    shutil.rmtree(to, ignore_errors=True)
    command, environment = started
    return seconds_of([*command, to], environment)


def print_rows(rows: list[dict[str, Any]]) -> None:
    """Ratio: the faster of nnU-Net's runs on the same volumes with the same setting, over this one."""
    print("| side | volumes | how | mirroring | s, median | nnU-Net's best / this | mean test DSC |")
    print("|---|---|---|---|---|---|---|")
    for row in rows:
        same = [
            statistics.median(other["seconds"])
            for other in rows
            if other["side"] == "nnU-Net" and (other["volumes"], other["tta"]) == (row["volumes"], row["tta"])
        ]
        middle = statistics.median(row["seconds"])
        mirroring = "on" if row["tta"] else "off"
        print(
            f"| {row['side']} | {row['volumes']} | {row['how']} | {mirroring} | {middle:.1f} "
            f"| {min(same) / middle:.2f} | {row['dsc']:.4f} |"
        )


def parse() -> argparse.Namespace:
    parser = base_parser(__doc__)
    parser.add_argument("--seed", type=int, default=0, help="whose weights of parity.py")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--volumes", nargs="+", choices=["crops", "full"], default=["crops", "full"])
    parser.add_argument("--precision", nargs="+", choices=["full", "mixed"], default=["full", "mixed"])
    parser.add_argument("--tta", nargs="+", choices=["off", "on"], default=["off", "on"])
    return settled(parser)


if __name__ == "__main__":
    main()
