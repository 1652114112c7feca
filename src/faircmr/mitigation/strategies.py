"""Parameters of mitigation strategies: cohort, sampler, objective, stages, input and output.

Each of them is chosen by its ``kind``, which determines its parameters. In a file, ``cohort: natural`` is short for
``cohort: {kind: natural}``.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from faircmr.core import Parameters

Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class NaturalCohort(Parameters):
    """All training and validation subjects of the study, in their natural proportions."""

    kind: Literal["natural"] = "natural"


class DrawnCohort(Parameters):
    """A cohort drawn from the training and validation subjects of the study, and split anew.

    Attributes:
        validation_fraction: Share of validation subjects in the drawn cohort and in each group; 105 of 522 in the
            paper.
        seed: Of the draw and of the split.
    """

    validation_fraction: Share = 0.2
    seed: int = 0


class BalancedCohort(DrawnCohort):
    """The same number of subjects from each protected group: as many as the smallest one has.

    Attributes:
        within: Attributes whose values are balanced within each group too; the paper balances race and gender.
        too_few: If a value has too few subjects for equal parts: ``error`` ends the run, ``relax`` takes subjects with
            other values, and counts them.

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
    """As many subjects as the balanced cohort has, with a given share of every group except the largest.

    Attributes:
        share: Share of each group except the largest, which has the rest; 1 / number of groups means balance.
    """

    kind: Literal["smallest_share"] = "smallest_share"
    share: Share


class RandomSampler(Parameters):
    """Passes over all subjects, each pass in its own random order."""

    kind: Literal["random"] = "random"


class StratifiedBatchSampling(Parameters):
    """All protected groups equally frequent in every batch.

    Attributes:
        within: Attributes whose values form the strata together with the protected group (race x sex).

    Source:
        Puyol-Antón et al. 2021, section 3, approach 1.
    """

    kind: Literal["stratified_batch_sampling"] = "stratified_batch_sampling"
    within: tuple[str, ...] = ()


class SegmentationAlone(Parameters):
    """nnU-Net's loss, the same for all subjects."""

    group_aware: ClassVar[bool] = False
    kind: Literal["segmentation"] = "segmentation"


class Reweighing(Parameters):
    """nnU-Net's loss, with each sample weighted by the inverse of its group's share.

    Source:
        Kamiran and Calders 2012, without the outcome, because segmentation has none.
    """

    group_aware: ClassVar[bool] = True
    kind: Literal["reweighing"] = "reweighing"


class GroupDro(Parameters):
    """Group distributionally robust optimisation: groups with higher losses get higher weights.

    Attributes:
        step_size: Of the exponentiated gradient of the weights (eta).

    Source:
        Sagawa et al. 2020, algorithm 1.
    """

    group_aware: ClassVar[bool] = True
    kind: Literal["group_dro"] = "group_dro"
    step_size: Annotated[float, Field(gt=0.0)] = 0.01


class FairMetaLearning(Parameters):
    """Segmentation trained together with a DenseNet that classifies the protected group.

    In the first half of a schedule both are trained separately: the classifier sees the detached predictions of the
    segmentation network. In the second half they are trained jointly, without deep supervision.

    Attributes:
        weight: Of the classification loss in the joint half (lambda).
        segmentation: Input of the classifier in addition to the image: ``one_channel`` is the expected class,
            ``probabilities`` one channel for each structure.
        filters: Channels of the first layer of the DenseNet.
        growth: Channels that each layer adds.
        blocks: Number of layers of each dense block.

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
    """One fit over the whole schedule; it serves all subjects."""

    group_aware: ClassVar[bool] = False
    kind: Literal["one"] = "one"


class TwoStages(Parameters):
    """Two fits on all training subjects, one for each half of the schedule; the second continues from the first.

    Attributes:
        learning_rate: ``restart`` gives each half a full curve; ``continue`` uses one curve for both.
    """

    group_aware: ClassVar[bool] = False
    kind: Literal["two"] = "two"
    learning_rate: Literal["restart", "continue"] = "restart"


class ProtectedGroupModels(Parameters):
    """A shared fit over half of the schedule, then one fit for each group from its weights over the other half.

    Attributes:
        learning_rate: Same as for :class:`TwoStages`.
        groups: Groups with their own model; by default every group with training subjects.
        unknown_group: Model for subjects of a group without one: the ``shared`` model, or the models of all groups,
            weighted by the probabilities of the classifier of fair meta-learning (``posterior``).

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
    """For each protected group, a temperature and an offset of each class's logit, fitted on validation subjects.

    Attributes:
        min_subjects: A group with fewer labelled validation subjects is not adjusted.
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
    """Parameters of one mitigation strategy.

    Attributes:
        name: Of the strategy; also the namespace of its data sets and its row in Table 2.
        cohort: Training and validation subjects.
        sampler: Choice of the subjects of each batch.
        objective: Loss that training minimises.
        stages: Fits of the strategy, and the subjects that each of them serves.
        input: ``full`` images, or ``roi``: the heart region that a localiser finds.
        output: Processing of probabilities before they become labels.
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
        needs_classifier = isinstance(self.stages, ProtectedGroupModels) and self.stages.unknown_group == "posterior"
        if needs_classifier and not isinstance(self.objective, FairMetaLearning):
            raise ValueError(
                "stages.unknown_group is 'posterior', which needs a classifier of protected groups: "
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
    """Training seeds and folds of all strategies of a study.

    Attributes:
        training_seeds: The strategy is trained once for each seed.
        folds: Folds of a cross-validation to run; by default all.
    """

    training_seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
    folds: tuple[Annotated[int, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        # two fits with the same name would share a folder
        for name, values in (("training_seeds", self.training_seeds), ("folds", self.folds or ())):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} are {list(values)}: list each once")
        return self
