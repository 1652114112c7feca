"""nnU-Net's side; runs in nnU-Net's own environment, whose variables ``Layout.environment`` sets.

python theirs.py plans
python theirs.py train --seed 0 --steps 2000 --precision mixed --threads 1
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from layout import (
    BATCH_SIZE,
    CROPS,
    FILTERS,
    ITERATIONS,
    PARITY_CONFIGURATION,
    PARITY_PLANS,
    PATCH,
    SPACING,
    read_json,
    write_json,
)
from nnunetv2.paths import nnUNet_preprocessed
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

VALIDATION_ITERATIONS = 2
"""Of nnU-Net's 50 an epoch: on the training subjects (fold ``all``), and no weight depends on them."""


def main() -> None:
    options = parse()
    if options.what == "plans":
        write_plans(Path(nnUNet_preprocessed) / CROPS)
    else:
        train(options)


def write_plans(folder: Path) -> None:
    """nnU-Net's own plans with the grid, patch, batch and network that both sides use."""
    plans = read_json(folder / "nnUNetPlans.json")
    configuration = plans["configurations"]["2d"]
    stages = len(FILTERS)
    configuration |= {
        "data_identifier": "parity_2d",
        "batch_size": BATCH_SIZE,
        "patch_size": [PATCH, PATCH],
        "spacing": [SPACING, SPACING],
        "batch_dice": True,
    }
    configuration["architecture"]["arch_kwargs"] |= {
        "n_stages": stages,
        "features_per_stage": list(FILTERS),
        "kernel_sizes": [[3, 3]] * stages,
        "strides": [[1, 1], *[[2, 2]] * (stages - 1)],
        "n_conv_per_stage": [2] * stages,
        "n_conv_per_stage_decoder": [2] * (stages - 1),
    }
    write_json(
        folder / f"{PARITY_PLANS}.json",
        {**plans, "plans_name": PARITY_PLANS, "configurations": {PARITY_CONFIGURATION: configuration}},
    )


def train(options: argparse.Namespace) -> None:
    """Train, or go on from the last whole epoch, with nnU-Net's own trainer."""
    torch.set_num_threads(options.threads)
    seed_all(options.seed)
    trainer = make_trainer(options.steps, options.iterations)
    folder = Path(trainer.output_folder)
    if (folder / "checkpoint_final.pth").is_file():
        return
    trainer.initialize()
    if (folder / "checkpoint_latest.pth").is_file():
        trainer.load_checkpoint(str(folder / "checkpoint_latest.pth"))
        # nnU-Net does not keep the state of its random numbers
        seed_all(options.seed + 1000 * trainer.current_epoch)
    if options.precision == "mixed":
        use_bfloat16(trainer)
    save_whole(trainer)
    record_times(trainer, folder / "steps.jsonl")
    trainer.run_training()


def make_trainer(steps: int, iterations: int, device: str = "cpu") -> nnUNetTrainer:
    """nnU-Net's trainer for all training subjects; of its settings only the schedule is changed."""
    folder = Path(nnUNet_preprocessed) / CROPS
    plans = read_json(folder / f"{PARITY_PLANS}.json") | {"continue_training": False}
    dataset = read_json(folder / "dataset.json")
    trainer = nnUNetTrainer(plans, PARITY_CONFIGURATION, "all", dataset, torch.device(device))
    trainer.num_epochs, trainer.num_iterations_per_epoch = steps // iterations, iterations
    trainer.num_val_iterations_per_epoch = VALIDATION_ITERATIONS
    trainer.save_every = 1
    return trainer


def seed_all(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002, TID251 - nnU-Net draws from the global generator
    random.seed(seed)


def use_bfloat16(trainer: nnUNetTrainer) -> None:
    """Compute the network in bfloat16 and everything after it in float32, as our side does.

    nnU-Net itself uses autocast on a GPU alone. The weights and their names stay as they are.
    """
    full: Callable[[torch.Tensor], list[torch.Tensor]] = trainer.network.forward

    def mixed(image: torch.Tensor) -> list[torch.Tensor]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            heads = full(image)
        return [head.float() for head in heads]

    trainer.network.forward = mixed


def save_whole(trainer: nnUNetTrainer) -> None:
    """Write checkpoints beside their place first, so that one that was cut off is never loaded."""
    save = trainer.save_checkpoint

    def whole(filename: str) -> None:
        save(f"{filename}.part")
        Path(f"{filename}.part").replace(filename)

    trainer.save_checkpoint = whole


def record_times(trainer: nnUNetTrainer, path: Path) -> None:
    """One line an epoch: seconds of each step with its loading, and of the loading alone."""
    step, end = trainer.train_step, trainer.on_train_epoch_end
    times: list[tuple[float, float]] = []
    ended = [0.0]

    def timed(batch: dict[str, Any]) -> dict[str, Any]:
        loaded = time.perf_counter()
        result: dict[str, Any] = step(batch)
        # the loading before the first step of an epoch cannot be seen from here
        before, ended[0] = ended[0] or loaded, time.perf_counter()
        times.append((ended[0] - before, loaded - before))
        return result

    def finish(outputs: list[dict[str, Any]]) -> None:
        total, loading = zip(*times, strict=True)
        with path.open("a") as file:
            print(json.dumps({"epoch": trainer.current_epoch, "step": total, "loading": loading}), file=file)
        times.clear()
        ended[0] = 0.0
        end(outputs)

    trainer.train_step, trainer.on_train_epoch_end = timed, finish


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["plans", "train"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="steps an epoch")
    parser.add_argument("--precision", choices=["full", "mixed"], default="mixed")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
