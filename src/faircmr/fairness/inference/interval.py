"""An estimate and what the data leave possible around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from faircmr.fairness.inference.groups import FloatArray


@dataclass(frozen=True)
class Interval:
    """Confidence intervals, as many as the arrays have elements.

    Attributes:
        low: Lower ends; ``-inf`` where the data bound nothing.
        estimate: Estimates, of the same shape.
        high: Upper ends; ``inf`` where the data bound nothing.
    """

    low: FloatArray
    estimate: FloatArray
    high: FloatArray

    def within(self, least: float, greatest: float) -> Self:
        """The same intervals, cut off at what is possible at all (0 and 1 of a Dice, -1 and 1 of its change)."""
        return type(self)(np.clip(self.low, least, greatest), self.estimate, np.clip(self.high, least, greatest))

    def holds(self, value: float | FloatArray) -> npt.NDArray[np.bool_]:
        """Whether each interval holds a value."""
        return np.asarray((self.low <= value) & (value <= self.high))
