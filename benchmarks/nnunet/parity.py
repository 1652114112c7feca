"""Parity of training: nnU-Net's own trainer and ours on the same crops, plan and number of steps.

    python parity.py crops --boxes boxes.csv --acdc ../../../shared/data/acdc --work WORK
    python parity.py nnunet_prepare --nnunet .venv-nnunet --work WORK
    python parity.py ours_prepare --work WORK
    python parity.py train_nnunet --seed 0 --nnunet .venv-nnunet --work WORK
    python parity.py train_ours --seed 0 --work WORK
    python parity.py predict --seeds 0 1 --nnunet .venv-nnunet --work WORK
    python parity.py score --seeds 0 1 --acdc ../../../shared/data/acdc --work WORK

Each step can be repeated; training goes on from the last whole epoch.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import ours
import pandas as pd
from layout import (
    CROPS,
    HERE,
    ITERATIONS,
    PARITY_CONFIGURATION,
    PARITY_PLANS,
    Layout,
    read_json,
    run,
    write_json,
)
from machine import machine
from nnunet_dataset import central_boxes, read_boxes, write_dataset
from options import base_parser, settled
from scoring import by_subject, paired_interval, score_folder

from faircmr.segmentation import InferenceParameters, TrainingParameters
from faircmr.segmentation.localiser import Box

SIDES = ("nnunet", "ours")


def crops(options: argparse.Namespace) -> None:
    """Write the crops that both sides read."""
    layout = Layout(options.work)
    boxes = read_boxes(options.boxes) if options.boxes else central_boxes(options.acdc, options.central)
    boxes = dict(sorted(boxes.items())[: options.subjects])
    write_json(layout.boxes, {subject: box.model_dump() for subject, box in boxes.items()})
    write_dataset(options.acdc, layout.raw / CROPS, boxes)


def nnunet_prepare(options: argparse.Namespace) -> None:
    """nnU-Net's fingerprint and plan, then its preprocessing by the plan that both sides use."""
    layout, binaries = Layout(options.work), options.nnunet / "bin"
    environment = layout.environment(options.threads)
    processes = str(options.threads)
    run([binaries / "nnUNetv2_extract_fingerprint", "-d", "501", "-np", processes, "--clean"], environment)
    run([binaries / "nnUNetv2_plan_experiment", "-d", "501"], environment)
    run([binaries / "python", HERE / "theirs.py", "plans"], environment)
    preprocess = [binaries / "nnUNetv2_preprocess", "-d", "501", "-plans_name", PARITY_PLANS]
    run([*preprocess, "-c", PARITY_CONFIGURATION, "-np", processes], environment)


def ours_prepare(options: argparse.Namespace) -> None:
    layout = Layout(options.work)
    ours.prepare(layout.raw / CROPS, layout.tensors, ours.parity_plans())


def train_nnunet(options: argparse.Namespace) -> None:
    layout = Layout(options.work)
    schedule = ["--steps", str(options.steps), "--iterations", str(options.iterations)]
    how = ["--seed", str(options.seed), "--precision", options.precision, "--threads", str(options.threads)]
    command: list[str | Path] = [options.nnunet / "bin" / "python", HERE / "theirs.py", "train", *schedule, *how]
    run(command, layout.environment(options.threads, options.seed, loaders=0))


def train_ours(options: argparse.Namespace) -> None:
    layout = Layout(options.work)
    training = TrainingParameters(
        epochs=options.steps // options.iterations,
        iterations_per_epoch=options.iterations,
        threads=options.threads,
        precision=options.precision,
        device="cpu",
    )
    subjects = tuple(ours.cases(layout.raw / CROPS, "Tr"))
    ours.train(ours.fit_job(layout, subjects, options.seed, training))


def predict(options: argparse.Namespace) -> None:
    """Segment the test crops with both sides, in float32, without post-processing."""
    layout = Layout(options.work)
    tested = ours.cases(layout.raw / CROPS, "Ts")
    how = InferenceParameters(mirroring=options.tta, threads=options.threads, precision="full", device="cpu")
    for seed in options.seeds:
        command = nnunet_predict_command(options.nnunet, layout, seed, processes=1, tta=options.tta)
        places: list[str | Path] = ["-i", layout.raw / CROPS / "imagesTs", "-o", layout.predictions("nnunet", seed)]
        run([*command, *places], layout.environment(options.threads, seed))
        ours.predict(ours.Fitted(layout.fit(seed), layout.tensors), tested, layout.predictions("ours", seed), how)


def nnunet_predict_command(nnunet: Path, layout: Layout, seed: int, *, processes: int, tta: bool) -> list[str | Path]:
    """nnU-Net's own command, without input and output."""
    command: list[str | Path] = [
        nnunet / "bin" / "nnUNetv2_predict_from_modelfolder",
        "-m",
        layout.nnunet_model(seed),
        "-f",
        "all",
    ]
    command += ["-device", "cpu", "--disable_progress_bar", "-npp", str(processes), "-nps", str(processes)]
    return [*command, *([] if tta else ["--disable_tta"])]


def score(options: argparse.Namespace) -> None:
    """Score both sides, write the scores, and print the tables."""
    layout = Layout(options.work)
    boxes = {subject: Box(**box) for subject, box in read_json(layout.boxes).items()}
    rows = [
        {"side": side, "seed": seed, **row}
        for seed in options.seeds
        for side in SIDES
        for row in score_folder(options.acdc, layout.predictions(side, seed), boxes)
    ]
    centre, low, high = paired_interval(pd.DataFrame(rows))
    means = by_subject(pd.DataFrame(rows)).groupby("seed").mean()
    result = {
        "machine": machine(options.nnunet),
        "scores": rows,
        "by_seed": means.to_dict(orient="index"),
        "difference": centre,
        "interval": [low, high],
    }
    write_json(layout.result("parity"), result)
    print_parity(result)


STEPS = {
    step.__name__: step for step in (crops, nnunet_prepare, ours_prepare, train_nnunet, train_ours, predict, score)
}


def main() -> None:
    options = parse()
    STEPS[options.step](options)


def print_parity(result: dict[str, Any]) -> None:
    (low, high), points = result["interval"], 100 * result["difference"]
    print("| seed | nnU-Net, mean test DSC | faircmr, mean test DSC |\n|---|---|---|")
    for seed, means in result["by_seed"].items():
        print(f"| {seed} | {means['nnunet']:.4f} | {means['ours']:.4f} |")
    print(f"\nfaircmr - nnU-Net: {points:+.2f} points, 95 % interval {100 * low:+.2f} to {100 * high:+.2f}")


def parse() -> argparse.Namespace:
    parser = base_parser(__doc__)
    parser.add_argument("step", choices=list(STEPS))
    parser.add_argument("--boxes", type=Path, help="CSV of boxes; without it they are central")
    parser.add_argument("--central", type=float, default=0.6, help="share of the image's sides of a central box")
    parser.add_argument("--subjects", type=int, help="only this many: to try the scripts out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="steps an epoch")
    parser.add_argument("--precision", choices=["full", "mixed"], default="mixed")
    parser.add_argument("--tta", action="store_true", help="average over mirror images, on both sides")
    return settled(parser)


if __name__ == "__main__":
    main()
