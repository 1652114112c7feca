"""nnU-Net's training step on batches drawn beforehand, and its loading and augmentation apart.

Runs in nnU-Net's environment: python step_theirs.py full|mixed THREADS BATCHES cpu|cuda
"""

from __future__ import annotations

import sys
import time

import torch
from layout import ITERATIONS
from rounds import Measured, serve
from theirs import make_trainer, seed_all, use_bfloat16


def main(precision: str, threads: str, batches: str, device: str) -> None:
    torch.set_num_threads(int(threads))
    seed_all(0)
    trainer = make_trainer(ITERATIONS, ITERATIONS, device)
    trainer.initialize()
    # on a GPU nnU-Net uses its own autocast
    if precision == "mixed" and device == "cpu":
        use_bfloat16(trainer)
    loader, _ = trainer.get_dataloaders()
    drawn = [next(loader) for _ in range(int(batches))]
    trainer.network.train()

    def measure(steps: int) -> Measured:
        seconds: Measured = {"step": [], "data": []}
        for step in range(steps):
            started = time.perf_counter()
            trainer.train_step(drawn[step % len(drawn)])
            stepped = time.perf_counter()
            next(loader)
            seconds["step"].append(stepped - started)
            seconds["data"].append(time.perf_counter() - stepped)
        return seconds

    serve(measure)


if __name__ == "__main__":
    main(*sys.argv[1:])
