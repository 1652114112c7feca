"""Reweighing: a sample counts by the inverse of its protected group's share."""

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

    A sample of weight 2 counts as two equal samples would, in the overlaps and sizes of the Dice as in the mean of the
    cross-entropy.

    Args:
        plans: Plans of the study; this objective needs nothing of them.
        weights: Of each protected group, above 0; see :func:`~faircmr.mitigation.objectives.reweighing_weights`.

    Raises:
        InvalidParameterError: A weight is no finite number above 0.

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
            batch: What the network saw; its keys are protected groups.

        Raises:
            InvalidParameterError: A sample's group has no weight.
        """
        of_groups = list(self.weights.values())
        of_samples = [of_groups[place] for place in group_positions(batch.keys, list(self.weights))]
        weight = torch.tensor(of_samples, dtype=torch.float32, device=batch.label.device)
        return deep_supervision(partial(dice_and_cross_entropy, weight=weight), heads, batch.label)
