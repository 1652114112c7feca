"""Objectives that are used in tests only."""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from faircmr.core import InvalidModelError
from faircmr.segmentation.data import Batch
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import SegmentationObjective, all_reduce_sum


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


class Grouped(SegmentationObjective):
    """Weighs the groups by how badly they have done, as Group DRO does, and learns a scale of its own."""

    def __init__(self, plans: Plans) -> None:
        super().__init__(plans)
        self.scale = nn.Parameter(torch.rand(1))
        self.register_buffer("before", torch.zeros(3))

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        each = cross_entropy(heads[0], batch.label.long(), reduction="none").mean(dim=(1, 2))
        members = torch.tensor([[key == group for key in batch.keys] for group in "ABC"], dtype=each.dtype)
        sums, counts = all_reduce_sum(torch.stack([members @ each, members.sum(dim=1)]))
        losses = sums / counts.clamp_min(1)
        self.before = 0.5 * self.before + 0.5 * losses.detach()
        return super().forward(heads, batch) + self.scale.exp() * (self.before.softmax(dim=0) * losses).sum()


class FailingInOneProcess(SegmentationObjective):
    """Ends the second process with an expected error at the third step; the first waits for it."""

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        if batch.step == 2 and os.environ["RANK"] == "1":
            raise InvalidModelError("second process", "bad", "good", "mend it")
        return super().forward(heads, batch)


class CrashingInOneProcess(SegmentationObjective):
    """Ends the second process with an error that nobody expected."""

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        if batch.step == 2 and os.environ["RANK"] == "1":
            raise ZeroDivisionError
        return super().forward(heads, batch)
