"""Part of a schedule: a fit can begin with the weights of another one, and go on where that one ended."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from faircmr.core.parameters import Parameters
from faircmr.segmentation.parameters import TrainingParameters

Curve = Literal["restart", "continue"]
"""Of the learning rate: a whole curve over the epochs of this stage, or its part of one over the whole schedule."""


class Stage(Parameters):
    """The epochs of a schedule that a fit runs, counted from its beginning.

    Steps count on from stage to stage, so that no stage sees the batches of another one again.

    Attributes:
        first: Epoch to begin with, from 0.
        end: Epoch before which it ends.
        learning_rate: Its curve.
    """

    first: int = Field(default=0, ge=0)
    end: int = Field(ge=1)
    learning_rate: Curve = "continue"

    @model_validator(mode="after")
    def _has_an_epoch(self) -> Self:
        if self.first >= self.end:
            raise ValueError(f"first is {self.first} and end is {self.end}: a stage has one epoch at least")
        return self

    @property
    def epochs(self) -> range:
        """Its epochs in the whole schedule."""
        return range(self.first, self.end)


def learning_rate(epoch: int, training: TrainingParameters, stage: Stage) -> float:
    """Learning rate of an epoch, falling to zero at the end of its curve.

    Args:
        epoch: Of the whole schedule, from 0.
        training: The whole schedule.
        stage: Part of it that the epoch belongs to.

    Source:
        nnU-Net's ``PolyLRScheduler``, stepped once an epoch.
    """
    start, end = (0, training.epochs) if stage.learning_rate == "continue" else (stage.first, stage.end)
    return float(training.learning_rate * (1 - (epoch - start) / (end - start)) ** training.poly_exponent)
