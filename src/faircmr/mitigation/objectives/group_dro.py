"""Group distributionally robust optimisation: groups with higher losses get higher weights."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from faircmr.mitigation.objectives.group_keys import checked_groups, group_positions
from faircmr.segmentation.data import Batch
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import deep_supervision, dice_and_cross_entropy


class GroupDroObjective(nn.Module):
    """Weighted sum of the protected groups' losses; each step first updates the weights by the losses.

    A group's loss is batch Dice and cross-entropy with deep supervision over its samples in the batch of all devices.
    Each step multiplies its weight by exp(step size x loss), divides all weights by their sum, and then returns the
    weighted sum. A group without a sample in the batch has loss 0.

    Args:
        plans: Plans of the study; not used by this objective.
        groups: Protected groups of the training subjects.
        step_size: Of the exponentiated gradient of the weights (eta).

    Attributes:
        log_weights: Natural logarithm of each group's weight, float64, shape (groups,). A buffer, so it is saved
            in every checkpoint; the weights are equal at first.

    Raises:
        InvalidParameterError: There is no group, or a group is repeated.

    Source:
        Sagawa et al. 2020, algorithm 1, with all groups in each batch as in their code (docs/decisions/0014).
    """

    log_weights: Tensor

    def __init__(self, plans: Plans, groups: list[str], step_size: float) -> None:
        super().__init__()
        self.plans = plans
        self.groups = checked_groups(groups)
        self.step_size = step_size
        equal = torch.full((len(groups),), -math.log(len(groups)), dtype=torch.float64)
        self.register_buffer("log_weights", equal)

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        """Loss of one batch, a scalar; in training mode, first updates the weights.

        Args:
            heads: Logits of the network, full resolution first.
            batch: The batch of these logits; its keys are protected groups.

        Raises:
            InvalidParameterError: A sample's group is not one of the groups.
        """
        losses = self.group_losses(heads, batch)
        if self.training:
            with torch.no_grad():
                # equal on all devices, because the losses are
                self.log_weights = (self.log_weights + self.step_size * losses.double()).log_softmax(dim=0)
        return self.log_weights.exp().to(losses.dtype) @ losses

    def group_losses(self, heads: list[Tensor], batch: Batch) -> Tensor:
        """Loss of each group, shape (groups,); same arguments and errors as :meth:`forward`."""
        positions = torch.tensor(group_positions(batch.keys, self.groups), device=batch.label.device)
        # one row for each group, also on a device without a sample of it, so that all-reduced shapes agree
        members = one_hot(positions, len(self.groups)).T.to(torch.float32)
        return deep_supervision(partial(dice_and_cross_entropy, weight=members), heads, batch.label)
