"""Everything that changes while a network trains, and the checkpoints that store it.

A checkpoint is one safetensors file: tensors of the state, and its record as text in the header. It
is written whole or not at all, and the one before is kept until the next is written.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from faircmr.core import InvalidModelError, Parameters, derived_seed
from faircmr.core.host import remove
from faircmr.segmentation.network import (
    SegmentationNetwork,
    build_network,
    load_metadata,
    load_tensors,
    save_tensors,
    weights_of,
)
from faircmr.segmentation.training.devices import joined
from faircmr.segmentation.training.jobs import FitJob, same_fit
from faircmr.segmentation.training.losses import BatchLoss
from faircmr.segmentation.training.records import OBJECTIVE_NAME, WEIGHTS_NAME, EpochRecord

NETWORK, OBJECTIVE, MOMENTUM = "network.", "objective.", "momentum."


@dataclass(frozen=True)
class TrainingState:
    """Network, objective and optimiser of one fit.

    The objective may have weights and memory of its own; they are trained, saved and restored with
    the network's.

    Attributes:
        network: Image to heads.
        objective: Heads and batch to loss.
        loss: Both as one: batch to loss. On several devices its backward averages gradients over them.
        optimiser: Of the parameters of both.
    """

    network: SegmentationNetwork
    objective: nn.Module
    loss: nn.Module
    optimiser: torch.optim.SGD

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """Everything that is trained, by its name in a checkpoint."""
        network = {NETWORK + name: value for name, value in self.network.named_parameters()}
        return network | {OBJECTIVE + name: value for name, value in self.objective.named_parameters()}

    def clip_gradients(self, limit: float) -> Tensor:
        """Shorten the gradient of the network, and that of the objective, to this norm where it is longer.

        Each for itself: how steeply an objective learns must not change how fast the network does.

        Returns:
            The larger of both norms before, a scalar.
        """
        modules = (list(self.network.parameters()), list(self.objective.parameters()))
        norms = [torch.nn.utils.clip_grad_norm_(parameters, limit) for parameters in modules if parameters]
        return torch.stack(norms).max()

    def tensors(self) -> dict[str, Tensor]:
        """The whole state; :meth:`restore` brings it back exactly."""
        state = {NETWORK + name: value for name, value in self.network.state_dict().items()}
        state |= {OBJECTIVE + name: value for name, value in self.objective.state_dict().items()}
        for name, parameter in self.parameters.items():
            momentum = self.optimiser.state[parameter].get("momentum_buffer")
            # a parameter that has had no gradient yet has no momentum
            if momentum is not None:
                state[MOMENTUM + name] = momentum
        return state

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to a state."""
        self.network.load_state_dict(_below(NETWORK, tensors))
        self.objective.load_state_dict(_below(OBJECTIVE, tensors))
        parameters = self.parameters
        for name, momentum in _below(MOMENTUM, tensors).items():
            parameter = parameters[name]
            self.optimiser.state[parameter]["momentum_buffer"] = momentum.to(parameter.device, copy=True)


def initial_state(job: FitJob, device: torch.device) -> TrainingState:
    """State before the first step, a function of the job alone, and of the weights that it begins with.

    Raises:
        InvalidParameterError: More devices are asked for than can be used.
        InvalidModelError: The fit that it begins with has left no weights, or those of other plans.
    """
    network = build_network(job.plans, job.seed).train()
    objective = _build_objective(job).train()
    if job.after is not None:
        network.load_state_dict(weights_of(job.after.folder / WEIGHTS_NAME, job.plans))
        if job.after.objective == job.objective and objective.state_dict():
            objective.load_state_dict(load_tensors(job.after.folder / OBJECTIVE_NAME)[0])
    loss = joined(BatchLoss(network, objective, job.training.precision), device, job.plans.batch_size)
    optimiser = torch.optim.SGD(
        [*network.parameters(), *objective.parameters()],
        lr=job.training.learning_rate,
        momentum=job.training.momentum,
        weight_decay=job.training.weight_decay,
        nesterov=True,
    )
    return TrainingState(network, objective, loss, optimiser)


def _build_objective(job: FitJob) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(job.seed, "objective"))
        objective: nn.Module = job.objective.load()(job.plans, **job.objective.parameters)
    return objective


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


KEPT = 2
PATTERN = "checkpoint-*.safetensors"

logger = logging.getLogger(__name__)


class Progress(Parameters):
    """How far a fit has come.

    Attributes:
        fingerprint: Of everything that determines the weights.
        history: One record a finished epoch.
        losses: One a step of the epoch after those, as far as it has come.
    """

    fingerprint: str
    history: tuple[EpochRecord, ...] = ()
    losses: tuple[float, ...] = ()

    @property
    def place(self) -> str:
        """Number of finished epochs, and of steps in the next one if there are any; sorts as training goes on."""
        steps = f"-{len(self.losses):06d}" if self.losses else ""
        return f"{len(self.history):06d}{steps}"


@dataclass(frozen=True)
class Checkpoint:
    """A state to go on from."""

    progress: Progress
    tensors: Mapping[str, Tensor]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the state after an epoch or a step, then remove all but the two newest.

    Raises:
        OutputError: The folder cannot be written; older checkpoints are untouched.
    """
    name = f"checkpoint-{checkpoint.progress.place}.safetensors"
    save_tensors(folder / name, checkpoint.tensors, {"progress": checkpoint.progress.model_dump_json()})
    for path in _newest_first(folder)[KEPT:]:
        remove(path)


def latest_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """Newest state of this very fit that can be read.

    Args:
        folder: The fit's folder; need not exist.
        fingerprint: Of the fit to go on with.

    Returns:
        The state, or ``None`` where there is none. A truncated file is passed over with a warning;
        states of another fit (other plans, parameters, subjects, seed or code) are not used.
    """
    for path in _newest_first(folder):
        checkpoint = _read(path)
        if checkpoint is not None and same_fit(checkpoint.progress.fingerprint, fingerprint):
            return checkpoint
    return None


def recorded_fingerprint(folder: Path) -> str | None:
    """Fingerprint of the newest state that can be read, of whatever fit; ``None`` where there is none."""
    for path in _newest_first(folder):
        with suppress(InvalidModelError, ValidationError):
            return _progress(load_metadata(path)).fingerprint
    return None


def clear_checkpoints(folder: Path) -> None:
    """Remove every checkpoint, and what a killed process left half-written beside them."""
    for path in (*_newest_first(folder), *folder.glob(f".*-{PATTERN}")):
        remove(path)


def _newest_first(folder: Path) -> list[Path]:
    # without the suffix: a step comes after the epoch that it begins with
    return sorted(folder.glob(PATTERN), key=lambda path: path.stem, reverse=True)


def _read(path: Path) -> Checkpoint | None:
    try:
        tensors, metadata = load_tensors(path)
        return Checkpoint(_progress(metadata), tensors)
    except (InvalidModelError, ValidationError):
        logger.warning("%s is truncated or of another version: the checkpoint before it is used", path.name)
        return None


def _progress(metadata: Mapping[str, str]) -> Progress:
    return Progress.model_validate_json(metadata.get("progress", ""))
