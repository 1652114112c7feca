"""Steps of nnU-Net's own trainer with its own default plan; runs in nnU-Net's environment.

python default_plan_theirs.py THREADS STEPS prints seconds of each step, loading included, as JSON in the last line.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from layout import FULL, read_json
from nnunetv2.paths import nnUNet_preprocessed
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from theirs import seed_all


def main(threads: str, steps: str) -> None:
    torch.set_num_threads(int(threads))
    seed_all(0)
    folder = Path(nnUNet_preprocessed) / FULL
    plans = read_json(folder / "nnUNetPlans.json") | {"continue_training": False}
    trainer = nnUNetTrainer(plans, "2d", "all", read_json(folder / "dataset.json"), torch.device("cpu"))
    trainer.initialize()
    loader, _ = trainer.get_dataloaders()
    trainer.network.train()
    seconds = []
    for _ in range(int(steps)):
        started = time.perf_counter()
        trainer.train_step(next(loader))
        seconds.append(time.perf_counter() - started)
    shape = {name: plans["configurations"]["2d"][name] for name in ("batch_size", "patch_size")}
    print(json.dumps({"seconds": seconds, **shape}))


if __name__ == "__main__":
    main(*sys.argv[1:])
