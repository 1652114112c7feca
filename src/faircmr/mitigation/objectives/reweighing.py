"""Reweighing: the weight of a sample is the inverse of the share of its protected group."""

from __future__ import annotations

from functools import partial
from math import isfinite

import torch
from torch import Tensor, nn

from faircmr.core import InvalidParameterError
from faircmr.mitigation.objectives.group_keys import group_positions
from faircmr.segmentation.data import Batch
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import deep_supervision, dice_and_cross_entropy


class ReweighingObjective(nn.Module):
    """Batch Dice and cross-entropy with deep supervision, where each sample has the weight of its protected group.

    A sample of weight 2 counts like two equal samples, both in the overlaps and sizes of the Dice and in the mean of
    the cross-entropy.

    Args:
        plans: Plans of the study; not used by this objective.
        weights: Of each protected group, above 0; see :func:`~faircmr.mitigation.objectives.reweighing_weights`.

    Raises:
        InvalidParameterError: A weight is not a finite number above 0.

    Source:
        Kamiran and Calders 2012, without the outcome (docs/decisions/0014).
    """

    def __init__(self, plans: Plans, weights: dict[str, float]) -> None:
        super().__init__()
        self.plans = plans
        self.weights = weights
        for group, weight in weights.items():
            if not (isfinite(weight) and weight > 0):
                raise InvalidParameterError(f"weight of {group}", weight, "a finite number above 0", "correct it")

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        """Loss of one batch, a scalar.

        Args:
            heads: Logits of the network, full resolution first.
            batch: The batch of these logits; its keys are protected groups.

        Raises:
            InvalidParameterError: A sample's group has no weight.
        """
        group_weights = list(self.weights.values())
        sample_weights = [group_weights[index] for index in group_positions(batch.keys, list(self.weights))]
        weight = torch.tensor(sample_weights, dtype=torch.float32, device=batch.label.device)
        return deep_supervision(partial(dice_and_cross_entropy, weight=weight), heads, batch.label)
