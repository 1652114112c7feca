"""Preparing the 80 volumes of the 40 training subjects: nnU-Net's command, the pipeline, and the engine alone.

Usage: python prepare.py --work WORK --nnunet .venv-nnunet --acdc ACDC --repeats 3

Whole processes, in turn. Each starts from the raw files and writes everything anew: fingerprint, plan,
and preprocessed volumes at 1.5625 mm (image cubic, label linear), with two processes or workers.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from layout import FULL, HERE, Layout, split, write_json
from machine import machine
from nnunet_dataset import acdc_files, write_dataset
from options import base_parser, settled
from timing import alternate, print_times, ratios, seconds_of

NNUNET, PIPELINE, ENGINE = "nnU-Net, plan_and_preprocess", "faircmr, data_engineering", "faircmr, engine alone"


def main() -> None:
    options = parse()
    layout = Layout(options.work)
    if not (layout.raw / FULL / "dataset.json").is_file():
        write_dataset(options.acdc, layout.raw / FULL)
    source = training_folder(options.acdc, options.work / "acdc-training")
    measured = {
        NNUNET: lambda: seconds_of(*nnunet_command(options, layout)),
        PIPELINE: lambda: seconds_of(pipeline_command(fresh(options.work / "study"), source)),
        ENGINE: lambda: seconds_of(engine_command(fresh(options.work / "engine"), source, options.threads)),
    }
    seconds = alternate(measured, options.repeats)
    print_times("prepare 80 volumes", seconds, NNUNET)
    result = {"machine": machine(options.nnunet), "seconds": seconds, "ratios": ratios(seconds, NNUNET)}
    write_json(layout.result("prepare"), result)


def training_folder(acdc: Path, folder: Path) -> Path:
    """ACDC's training subjects alone, as links."""
    folder.mkdir(parents=True, exist_ok=True)
    training, _ = split(sorted({subject for subject, _ in acdc_files(acdc)}))
    for subject in training:
        link = folder / subject
        if not link.exists():
            link.symlink_to((acdc / subject).resolve())
    return folder


def nnunet_command(options: argparse.Namespace, layout: Layout) -> tuple[list[str | Path], dict[str, str]]:
    fresh(layout.preprocessed / FULL)
    processes = str(options.threads)
    command = options.nnunet / "bin" / "nnUNetv2_plan_and_preprocess"
    arguments = ["-d", "500", "-c", "2d", "-np", processes, "-npfp", processes, "--clean"]
    return [command, *arguments], layout.environment(options.threads)


def pipeline_command(data_root: Path, source: Path) -> list[str | Path]:
    parameters = f"data_root={data_root},source_root={source}"
    return [
        sys.executable, "-m", "kedro", "run", "--env", "acdc", "--pipelines", "data_engineering", "--params", parameters
    ]  # fmt: skip


def engine_command(folder: Path, source: Path, workers: int) -> list[str | Path]:
    return [sys.executable, HERE / "prepare_ours.py", source, folder, str(workers)]


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def parse() -> argparse.Namespace:
    parser = base_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    return settled(parser)


if __name__ == "__main__":
    main()
