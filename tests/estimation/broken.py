"""Objectives that do not survive a step."""

import os
import signal

from torch import Tensor

from faircmr.core import InvalidParameterError
from faircmr.segmentation.data import Batch
from faircmr.segmentation.training import SegmentationObjective


class KilledObjective(SegmentationObjective):
    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        os.kill(os.getpid(), signal.SIGKILL)
        return heads[0].sum()


class RefusingObjective(SegmentationObjective):
    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        raise InvalidParameterError("objective", "refusing", "one that works", "choose another")
