"""How steps are measured, and what is summed up."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from faircmr.core.parameters import Parameters


class EstimateParameters(Parameters):
    """How the steps of each kind are measured.

    Attributes:
        warm_up: Steps before those that are measured: the first ones of a process take longer.
        steps: Steps of which the median is taken.
        longest_seconds: After so long no further step of a kind is begun, once one has been measured.
        totals: Strategies to be summed up besides the whole study, by the name of the sum.
    """

    warm_up: Annotated[int, Field(ge=0)] = 2
    steps: Annotated[int, Field(ge=1)] = 10
    longest_seconds: Annotated[float, Field(gt=0.0)] = 60.0
    totals: dict[str, tuple[str, ...]] = Field(default_factory=dict)
