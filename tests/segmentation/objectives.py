"""Objectives that only tests use."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from faircmr.segmentation.batches import Batch
from faircmr.segmentation.objective import SegmentationObjective
from faircmr.segmentation.plans import Plans


class Remembering(SegmentationObjective):
    """Learns a weight of its own and remembers how much of each key it has seen."""

    def __init__(self, plans: Plans, scale: float = 1.0) -> None:
        super().__init__(plans)
        self.scale = scale
        self.bias = nn.Parameter(torch.rand(1))
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        self.seen += sum(key == "A" for key in batch.keys)
        weight = 1 + self.seen / 100
        return weight * self.scale * super().forward(heads, batch) + (self.bias - heads[0].mean()) ** 2


class Exploding(SegmentationObjective):
    """Has a finite loss and, at the third step, an infinite gradient."""

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        loss = super().forward(heads, batch)
        # the root of nothing rises infinitely fast
        return loss + (loss - loss.detach()).sqrt() if batch.step == 2 else loss


class Failing(SegmentationObjective):
    """Gives no number at the third step."""

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        loss = super().forward(heads, batch)
        return loss * float("nan") if batch.step == 2 else loss
