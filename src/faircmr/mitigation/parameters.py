"""A mitigation strategy: one choice on each axis on which strategies differ.

A choice is named by its ``kind`` and has the parameters of that kind; in a file ``cohort: natural`` is short
for ``cohort: {kind: natural}``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from faircmr.core.parameters import Parameters
from faircmr.mitigation.choices import (
    BalancedCohort,
    FairMetaLearning,
    GroupCalibration,
    GroupDro,
    NaturalCohort,
    OneStage,
    PlainOutput,
    ProtectedGroupModels,
    RandomSampler,
    Reweighing,
    SegmentationAlone,
    SizeMatchedCohort,
    SmallestShareCohort,
    StratifiedBatchSampling,
    TwoStages,
)


def _kind(choice: Any) -> Any:
    return {"kind": choice} if isinstance(choice, str) else choice


_Chosen = (BeforeValidator(_kind), Field(discriminator="kind"))
Cohort = Annotated[NaturalCohort | BalancedCohort | SizeMatchedCohort | SmallestShareCohort, *_Chosen]
Sampler = Annotated[RandomSampler | StratifiedBatchSampling, *_Chosen]
Objective = Annotated[SegmentationAlone | Reweighing | GroupDro | FairMetaLearning, *_Chosen]
Stages = Annotated[OneStage | TwoStages | ProtectedGroupModels, *_Chosen]
Output = Annotated[PlainOutput | GroupCalibration, *_Chosen]


class StrategyParameters(Parameters):
    """Whom a strategy trains on and how, what its networks see, and what is done to what they say.

    Attributes:
        name: Of the strategy; also the namespace of its data sets and its row in Table 2.
        cohort: Which subjects it trains and validates on.
        sampler: Which of them a batch holds.
        objective: What training minimises.
        stages: Which fits it consists of, and whom each of them serves.
        input: ``full`` images, or the ``roi``: the heart's region as a localiser finds it.
        output: What is done to probabilities before they become labels.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    cohort: Cohort = NaturalCohort()
    sampler: Sampler = RandomSampler()
    objective: Objective = SegmentationAlone()
    stages: Stages = OneStage()
    input: Literal["full", "roi"] = "full"
    output: Output = PlainOutput()

    @model_validator(mode="after")
    def _has_a_classifier_for_its_posterior(self) -> Self:
        asks = isinstance(self.stages, ProtectedGroupModels) and self.stages.unknown_group == "posterior"
        if asks and not isinstance(self.objective, FairMetaLearning):
            raise ValueError(
                "stages.unknown_group is 'posterior', and no classifier of protected groups is trained: "
                "choose objective fair_meta_learning, or unknown_group 'shared'"
            )
        return self

    @model_validator(mode="after")
    def _halves_its_schedule_once(self) -> Self:
        halves = (isinstance(self.objective, FairMetaLearning), isinstance(self.stages, TwoStages))
        if all(halves):
            raise ValueError(
                "objective fair_meta_learning halves the schedule itself: choose stages one or protected_groups"
            )
        return self


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
