"""A mitigation strategy: one choice on each axis on which strategies differ, with its parameters.

A choice is named by its ``kind`` and has the parameters of that kind; in a file ``cohort: natural`` is short
for ``cohort: {kind: natural}``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from faircmr.core import Parameters

Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class NaturalCohort(Parameters):
    """Everybody who trains or validates in the study, in the proportions that it has."""

    kind: Literal["natural"] = "natural"


class DrawnCohort(Parameters):
    """A cohort drawn from everybody who trains or validates in the study, of its own size and division.

    Attributes:
        validation_fraction: Share of the drawn subjects that validates, in each group alike; the paper's 105 of 522.
        seed: Of the draw and of the division.
    """

    validation_fraction: Share = 0.2
    seed: int = 0


class BalancedCohort(DrawnCohort):
    """The same number of subjects from each protected group: as many as the smallest one has.

    Attributes:
        within: Attributes of which each value is to have the same number of subjects within a group; the paper
            balances race and gender.
        too_few: Where a value has fewer subjects than its part, end the run, or fill up from the others (counted).

    Source:
        Puyol-Antón et al. 2021, section 3, "balanced database".
    """

    kind: Literal["balanced"] = "balanced"
    within: tuple[str, ...] = ()
    too_few: Literal["error", "relax"] = "error"


class SizeMatchedCohort(DrawnCohort):
    """As many subjects as the balanced cohort has, in natural proportions."""

    kind: Literal["size_matched"] = "size_matched"


class SmallestShareCohort(DrawnCohort):
    """As many subjects as the balanced cohort has; every group but the largest has the same given share.

    Attributes:
        share: Of each group but the largest, which has the rest; one over the number of groups is balance.
    """

    kind: Literal["smallest_share"] = "smallest_share"
    share: Share


class RandomSampler(Parameters):
    """Passes over all subjects, each pass in an order of its own."""

    kind: Literal["random"] = "random"


class StratifiedBatchSampling(Parameters):
    """Each protected group equally in every batch.

    Attributes:
        within: Attributes whose values form the strata together with the protected group (race x sex).

    Source:
        Puyol-Antón et al. 2021, section 3, approach 1.
    """

    kind: Literal["stratified_batch_sampling"] = "stratified_batch_sampling"
    within: tuple[str, ...] = ()


class SegmentationAlone(Parameters):
    """nnU-Net's loss, the same for everybody."""

    group_aware: ClassVar[bool] = False
    kind: Literal["segmentation"] = "segmentation"


class Reweighing(Parameters):
    """nnU-Net's loss, each sample weighted by the inverse of its group's share.

    Source:
        Kamiran and Calders 2012, without the outcome, which segmentation does not have.
    """

    group_aware: ClassVar[bool] = True
    kind: Literal["reweighing"] = "reweighing"


class GroupDro(Parameters):
    """Group distributionally robust optimisation: the worse a group's loss has been, the more it weighs.

    Attributes:
        step_size: Of the exponentiated gradient of the weights (eta).

    Source:
        Sagawa et al. 2020, algorithm 1.
    """

    group_aware: ClassVar[bool] = True
    kind: Literal["group_dro"] = "group_dro"
    step_size: Annotated[float, Field(gt=0.0)] = 0.01


class FairMetaLearning(Parameters):
    """Segmentation along with a DenseNet that classifies the protected group.

    In the first half of a schedule both learn apart: the classifier sees what the segmentation network says, and its
    gradient ends there. In the second half they are trained jointly, without deep supervision.

    Attributes:
        weight: Of the classification loss in the joint half (lambda).
        segmentation: How the classifier sees the segmentation besides the image: ``one_channel`` is the expected
            class, ``probabilities`` one channel a structure.
        filters: Channels that the DenseNet begins with.
        growth: Channels that each of its layers adds.
        blocks: Layers of each of its dense blocks.

    Source:
        Puyol-Antón et al. 2021, section 3, approach 2.
    """

    group_aware: ClassVar[bool] = True
    kind: Literal["fair_meta_learning"] = "fair_meta_learning"
    weight: Annotated[float, Field(ge=0.0)] = 1.0
    segmentation: Literal["one_channel", "probabilities"] = "one_channel"
    filters: Annotated[int, Field(ge=1)] = 64
    growth: Annotated[int, Field(ge=1)] = 32
    blocks: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)] = (6, 12, 24, 16)


class OneStage(Parameters):
    """One fit over the whole schedule, which serves everybody."""

    group_aware: ClassVar[bool] = False
    kind: Literal["one"] = "one"


class TwoStages(Parameters):
    """A shared fit over half of the schedule, and a second one on everybody, from its weights, over the other half.

    Attributes:
        learning_rate: ``restart`` gives each half a whole curve of its own; ``continue`` lays one over both.
    """

    group_aware: ClassVar[bool] = False
    kind: Literal["two"] = "two"
    learning_rate: Literal["restart", "continue"] = "restart"


class ProtectedGroupModels(Parameters):
    """A shared fit over half of the schedule, and one a group, from its weights, over the other half.

    Attributes:
        learning_rate: As for :class:`TwoStages`.
        groups: Those that have one of their own; every group with training subjects, if not named.
        unknown_group: Who predicts a subject of a group without a model: the ``shared`` one, or all of them weighted by
            what the classifier of fair meta-learning says (``posterior``).

    Source:
        Puyol-Antón et al. 2021, section 3, approach 3.
    """

    group_aware: ClassVar[bool] = True
    kind: Literal["protected_groups"] = "protected_groups"
    learning_rate: Literal["restart", "continue"] = "restart"
    groups: tuple[str, ...] | None = None
    unknown_group: Literal["shared", "posterior"] = "shared"


class PlainOutput(Parameters):
    """The most probable class of each pixel."""

    kind: Literal["plain"] = "plain"


class GroupCalibration(Parameters):
    """A temperature and an offset of each class's logit a protected group, fitted on validation subjects.

    ``min_subjects``: a group with fewer labelled validation subjects is left as it is.
    """

    kind: Literal["group_calibration"] = "group_calibration"
    min_subjects: Annotated[int, Field(ge=1)] = 5


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
