"""Batches of noise, logits for them, and the loss and gradients of an objective."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from faircmr.segmentation.data import Batch
from faircmr.segmentation.network import Plans, build_network
from tests.segmentation.phantoms import plans_of

PLANS = plans_of(filters=(4, 8, 8))
FIRST = "encoder.0.conv1.conv.weight"
"""The first weight of the network: what reaches it has gone through the whole of it."""


def batch_of(keys: str, seed: int = 0, step: int = 0, plans: Plans = PLANS) -> Batch:
    """A batch of samples with these keys, one letter each."""
    rng = torch.Generator().manual_seed(seed)
    shape = (len(keys), *plans.patch)
    label = torch.randint(0, plans.classes, shape, generator=rng).to(torch.uint8)
    return Batch(torch.randn((len(keys), plans.channels, *plans.patch), generator=rng), label, tuple(keys), step)


def of_samples(batch: Batch, positions: list[int]) -> Batch:
    """Some samples of a batch, perhaps several times."""
    keys = tuple(batch.keys[position] for position in positions)
    return replace(batch, image=batch.image[positions], label=batch.label[positions], keys=keys)


def heads_of(batch: Batch, plans: Plans = PLANS, seed: int = 0) -> list[Tensor]:
    """What an untrained network says, as leaves of a graph."""
    heads = build_network(plans, seed).train()(batch.image)
    return [head.detach().requires_grad_() for head in heads]


def network_gradients(objective: nn.Module, batch: Batch, plans: Plans = PLANS) -> Mapping[str, Tensor | None]:
    """Gradient of each weight of an untrained network."""
    network = build_network(plans, seed=0).train()
    objective.zero_grad()
    objective(network(batch.image), batch).backward()
    return {name: parameter.grad for name, parameter in network.named_parameters()}


def own_gradients(objective: nn.Module) -> list[Tensor | None]:
    """Gradients that :func:`network_gradients` has left in the objective."""
    return [parameter.grad for parameter in objective.parameters()]
