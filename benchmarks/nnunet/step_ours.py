"""Our training step: on batches drawn beforehand, with loading and augmentation, and these apart.

python step_ours.py TENSORS full|mixed THREADS BATCHES cpu|cuda
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ours import parity_plans
from rounds import Measured, serve

from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.data import Batch, TensorStore
from faircmr.segmentation.training import (
    Component,
    FitJob,
    TrainingData,
    cpu_threads,
    device_of,
    initial_state,
    open_training_data,
    reuse_freed_memory,
    train_step,
)


@dataclass(frozen=True)
class Drawn(TrainingData):
    """Batches that were drawn beforehand, in turn."""

    drawn: tuple[Batch, ...] = ()

    def batch(self, step: int) -> Batch:
        return self.drawn[step % len(self.drawn)]


def main(tensors: str, precision: str, threads: str, batches: str, device: str) -> None:
    job = step_job(Path(tensors), precision, int(threads), device)
    reuse_freed_memory()
    with cpu_threads(job.training.threads):
        store = TensorStore(job.tensors)
        data, state = open_training_data(job, store, device_of(device)), initial_state(job, device_of(device))
        fields = {name: getattr(data, name) for name in TrainingData.__dataclass_fields__}
        drawn = Drawn(**fields, drawn=tuple(data.batch(step) for step in range(int(batches))))
        done = 0

        def measure(steps: int) -> Measured:
            nonlocal done
            seconds: Measured = {"step": [], "data": [], "whole": []}
            for step in range(done, done + steps):
                seconds["step"].append(timed(partial(train_step, state, drawn, step)))
                seconds["data"].append(timed(partial(data.batch, step)))
                seconds["whole"].append(timed(partial(train_step, state, data, step)))
            done += steps
            return seconds

        serve(measure)


def timed(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def step_job(tensors: Path, precision: str, threads: int, device: str) -> FitJob:
    training = TrainingParameters(epochs=1000, threads=threads, device=device, precision=precision)
    return FitJob(
        name="step",
        folder=tensors / "unused",
        tensors=tensors,
        training_subjects=tuple(TensorStore(tensors).fingerprints),
        plans=parity_plans(),
        training=training,
        sampler=Component(path="faircmr.mitigation.sampling.uniform"),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
