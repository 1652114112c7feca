"""Steps of a fit, in this process alone or, started by ``torch.distributed.run``, as one of several.

python -m tests.reliability.steps job.json full|double folder
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from faircmr.segmentation.data import Batch, open_tensors
from faircmr.segmentation.training import FitJob, initial_state, open_training_data, shutdown, train_step

STEPS = 20
DTYPES = {"full": torch.float32, "double": torch.float64}


@dataclass(frozen=True)
class Steps:
    """What a process knows of them: of several, all know the same weights and each its part of the batches."""

    gradient: dict[str, Tensor]
    weights: dict[str, Tensor]
    keys: list[list[str]]

    def write(self, folder: Path, rank: str) -> None:
        save_file(self.gradient, folder / f"gradient-{rank}.safetensors")
        save_file(self.weights, folder / f"weights-{rank}.safetensors")
        (folder / f"keys-{rank}.json").write_text(json.dumps(self.keys))

    @classmethod
    def read(cls, folder: Path, rank: int) -> Steps:
        gradient, weights = (load_file(folder / f"{what}-{rank}.safetensors") for what in ("gradient", "weights"))
        return cls(gradient, weights, json.loads((folder / f"keys-{rank}.json").read_text()))


class InFloat64(TorchFunctionMode):
    """The engine asks for float32 by name, and gets float64: then rounding explains no difference."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        function = Tensor.double if function is Tensor.float else function
        args = tuple(torch.float64 if value is torch.float32 else value for value in args)
        return function(*args, **(kwargs or {}))


@contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Make networks, and compute, in this precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(DTYPES[precision])
    try:
        with InFloat64() if precision == "double" else nullcontext():
            yield
    finally:
        torch.set_default_dtype(before)


def take_steps(job: FitJob, precision: str) -> Steps:
    """The first :data:`STEPS` steps of a job; their batches are drawn in float32, as always."""
    data = open_training_data(job, open_tensors(job.tensors, job.reduction), torch.device("cpu"))
    with computing_in(precision):
        state = initial_state(job, torch.device("cpu"))
    gradient, keys = {}, []

    def loss(batch: Batch) -> Tensor:
        keys.append([*batch.keys])
        with computing_in(precision):
            value: Tensor = state.loss(replace(batch, image=batch.image.to(DTYPES[precision])))
        return value

    for step in range(STEPS):
        train_step(replace(state, loss=loss), data, step)
        if step == 0:
            gradient = {name: value.grad.clone() for name, value in state.parameters.items()}
    weights = {name: value.detach().clone() for name, value in state.parameters.items()}
    assert all(value.dtype is DTYPES[precision] for value in weights.values())
    return Steps(gradient, weights, keys)


if __name__ == "__main__":
    path, precision, folder = sys.argv[1:]
    torch.set_num_threads(1)
    done = take_steps(FitJob.read(Path(path)), precision)
    done.write(Path(folder), os.environ["RANK"])
    shutdown()
