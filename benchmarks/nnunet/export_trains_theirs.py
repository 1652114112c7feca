"""A short training of fold 0 with nnU-Net's own trainer and plan; runs in nnU-Net's environment.

python export_trains_theirs.py FOLDER EPOCHS STEPS, of a preprocessed data set. Of its settings the schedule alone is
changed. The command ``nnUNetv2_train`` has trainers of few epochs, but none of few steps.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from layout import read_json
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from theirs import VALIDATION_ITERATIONS, seed_all


def main(folder: Path, epochs: int, steps: int) -> None:
    seed_all(0)
    plans = read_json(folder / "nnUNetPlans.json") | {"continue_training": False}
    trainer = nnUNetTrainer(plans, "2d", 0, read_json(folder / "dataset.json"), torch.device("cpu"))
    trainer.num_epochs, trainer.num_iterations_per_epoch = epochs, steps
    trainer.num_val_iterations_per_epoch = VALIDATION_ITERATIONS
    trainer.run_training()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
