"""A mitigation strategy: one choice on each axis on which strategies differ."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from faircmr.core.parameters import Parameters


class StrategyParameters(Parameters):
    """Which subjects a strategy trains on, how its batches are drawn, and what the network sees.

    Attributes:
        name: Of the strategy; also the namespace of its data sets and its row in Table 2.
        cohort: ``natural`` trains on every training subject.
        sampler: ``random`` passes over all subjects in random order; ``stratified_batch_sampling`` holds each
            protected group equally in every batch.
        input: ``full`` images, or the ``roi``: the heart's region as a localiser finds it.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    cohort: Literal["natural"] = "natural"
    sampler: Literal["random", "stratified_batch_sampling"] = "random"
    input: Literal["full", "roi"] = "full"


class FitsParameters(Parameters):
    """Which fits every strategy of the study consists of.

    Attributes:
        training_seeds: Each trains the strategy anew.
        folds: Folds of a cross-validation to run; all of them if not named.
    """

    training_seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
    folds: tuple[Annotated[int, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        # two fits of one name would share a folder
        for name, values in (("training_seeds", self.training_seeds), ("folds", self.folds or ())):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} are {list(values)}: name each once")
        return self
