"""Everything that changes while a network trains, as tensors by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from faircmr.core.randomness import derived_seed
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.models import OBJECTIVE_NAME, WEIGHTS_NAME
from faircmr.segmentation.networks import SegmentationNetwork, build_network
from faircmr.segmentation.objective import BatchLoss
from faircmr.segmentation.ranks import joined
from faircmr.segmentation.weights import load_tensors, weights_of

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
