"""Training state (network, objective, optimiser) and its checkpoints.

A checkpoint is one safetensors file: the tensors of the state, and the progress as text in the header. It
is written completely or not at all, and the previous one is kept until the next is written.
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
from faircmr.core.host import remove_durably
from faircmr.segmentation.network import (
    SegmentationNetwork,
    build_network,
    load_metadata,
    load_tensors,
    load_weights,
    save_tensors,
)
from faircmr.segmentation.training.devices import wrap_ddp
from faircmr.segmentation.training.jobs import FitJob, same_fit
from faircmr.segmentation.training.losses import BatchLoss
from faircmr.segmentation.training.records import OBJECTIVE_NAME, WEIGHTS_NAME, EpochRecord

NETWORK_PREFIX, OBJECTIVE_PREFIX, MOMENTUM_PREFIX = "network.", "objective.", "momentum."


@dataclass(frozen=True)
class TrainingState:
    """Network, objective and optimiser of one fit.

    The objective may have its own parameters and buffers; they are trained, saved and restored with
    the network's.

    Attributes:
        network: Maps images to heads.
        objective: Maps heads and batch to the loss.
        loss: Network and objective as one module, from batch to loss. On several devices its backward averages
            the gradients over them.
        optimiser: Of the parameters of both.
    """

    network: SegmentationNetwork
    objective: nn.Module
    loss: nn.Module
    optimiser: torch.optim.SGD

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """All trained parameters, by their names in a checkpoint."""
        network = {NETWORK_PREFIX + name: value for name, value in self.network.named_parameters()}
        return network | {OBJECTIVE_PREFIX + name: value for name, value in self.objective.named_parameters()}

    def clip_gradients(self, limit: float) -> Tensor:
        """Clip the gradient norms of the network and of the objective to a limit.

        They are clipped separately, so that the gradient of the objective's parameters does not change the step of the
        network.

        Returns:
            The larger of both norms before clipping, a scalar.
        """
        modules = (list(self.network.parameters()), list(self.objective.parameters()))
        norms = [torch.nn.utils.clip_grad_norm_(parameters, limit) for parameters in modules if parameters]
        return torch.stack(norms).max()

    def tensors(self) -> dict[str, Tensor]:
        """The full state; :meth:`restore` restores it exactly."""
        state = {NETWORK_PREFIX + name: value for name, value in self.network.state_dict().items()}
        state |= {OBJECTIVE_PREFIX + name: value for name, value in self.objective.state_dict().items()}
        for name, parameter in self.parameters.items():
            momentum = self.optimiser.state[parameter].get("momentum_buffer")
            # a parameter that never had a gradient has no momentum
            if momentum is not None:
                state[MOMENTUM_PREFIX + name] = momentum
        return state

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Restore a state from :meth:`tensors`."""
        self.network.load_state_dict(_without_prefix(NETWORK_PREFIX, tensors))
        self.objective.load_state_dict(_without_prefix(OBJECTIVE_PREFIX, tensors))
        parameters = self.parameters
        for name, momentum in _without_prefix(MOMENTUM_PREFIX, tensors).items():
            parameter = parameters[name]
            self.optimiser.state[parameter]["momentum_buffer"] = momentum.to(parameter.device, copy=True)


def initial_state(job: FitJob, device: torch.device) -> TrainingState:
    """State before the first step; depends only on the job, and on the weights of the fit that it starts from.

    Raises:
        InvalidParameterError: More devices are requested than are available.
        InvalidModelError: The weights of the fit that it starts from are missing or have other plans.
    """
    network = build_network(job.plans, job.seed).train()
    objective = _build_objective(job).train()
    if job.after is not None:
        network.load_state_dict(load_weights(job.after.folder / WEIGHTS_NAME, job.plans))
        if job.after.objective == job.objective and objective.state_dict():
            objective.load_state_dict(load_tensors(job.after.folder / OBJECTIVE_NAME)[0])
    loss = wrap_ddp(BatchLoss(network, objective, job.training.precision), device, job.plans.batch_size)
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


def _without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


CHECKPOINTS_KEPT = 2
CHECKPOINT_PATTERN = "checkpoint-*.safetensors"

logger = logging.getLogger(__name__)


class Progress(Parameters):
    """Progress of a fit within its schedule.

    Attributes:
        fingerprint: Of all settings that determine the weights.
        history: One record for each finished epoch.
        losses: One loss for each finished step of the current epoch.
    """

    fingerprint: str
    history: tuple[EpochRecord, ...] = ()
    losses: tuple[float, ...] = ()

    @property
    def file_suffix(self) -> str:
        """Number of finished epochs, then of finished steps of the current epoch if any; sorts by time."""
        steps = f"-{len(self.losses):06d}" if self.losses else ""
        return f"{len(self.history):06d}{steps}"


@dataclass(frozen=True)
class Checkpoint:
    """A state from which training can be resumed."""

    progress: Progress
    tensors: Mapping[str, Tensor]


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint after an epoch or a step, then remove all but the two newest.

    Raises:
        OutputError: The folder cannot be written; older checkpoints are untouched.
    """
    name = f"checkpoint-{checkpoint.progress.file_suffix}.safetensors"
    save_tensors(folder / name, checkpoint.tensors, {"progress": checkpoint.progress.model_dump_json()})
    for path in _newest_first(folder)[CHECKPOINTS_KEPT:]:
        remove_durably(path)


def latest_checkpoint(folder: Path, fingerprint: str) -> Checkpoint | None:
    """Newest readable checkpoint of a fit.

    Args:
        folder: The fit's folder; need not exist.
        fingerprint: Of the fit to resume.

    Returns:
        The checkpoint, or ``None`` without one. Truncated files are skipped with a warning. Checkpoints
        of another fit (other plans, parameters, subjects, seed or code) are skipped too.
    """
    for path in _newest_first(folder):
        checkpoint = _read_checkpoint(path)
        if checkpoint is not None and same_fit(checkpoint.progress.fingerprint, fingerprint):
            return checkpoint
    return None


def recorded_fingerprint(folder: Path) -> str | None:
    """Fingerprint of the newest readable checkpoint, of any fit; ``None`` without one."""
    for path in _newest_first(folder):
        with suppress(InvalidModelError, ValidationError):
            return _parse_progress(load_metadata(path)).fingerprint
    return None


def clear_checkpoints(folder: Path) -> None:
    """Remove all checkpoints and incompletely written files of killed processes."""
    for path in (*_newest_first(folder), *folder.glob(f".*-{CHECKPOINT_PATTERN}")):
        remove_durably(path)


def _newest_first(folder: Path) -> list[Path]:
    # by stem, because with the file extension a step would sort before the epoch that it follows
    return sorted(folder.glob(CHECKPOINT_PATTERN), key=lambda path: path.stem, reverse=True)


def _read_checkpoint(path: Path) -> Checkpoint | None:
    try:
        tensors, metadata = load_tensors(path)
        return Checkpoint(_parse_progress(metadata), tensors)
    except (InvalidModelError, ValidationError):
        logger.warning("%s is truncated or of another version: using the checkpoint before it", path.name)
        return None


def _parse_progress(metadata: Mapping[str, str]) -> Progress:
    return Progress.model_validate_json(metadata.get("progress", ""))
