"""A strategy's choice of objective, as what a fit's job names: no torch is needed to make a job."""

from __future__ import annotations

from collections.abc import Sequence

from faircmr.mitigation.choices import FairMetaLearning, GroupDro, Reweighing, SegmentationAlone
from faircmr.mitigation.group_keys import checked_groups, reweighing_weights
from faircmr.segmentation.jobs import SEGMENTATION, Component

REWEIGHING = "faircmr.mitigation.reweighing.ReweighingObjective"
GROUP_DRO = "faircmr.mitigation.group_dro.GroupDroObjective"
FAIR_META_LEARNING = "faircmr.mitigation.fair_meta_learning.FairMetaLearningObjective"


def objective_of(
    choice: SegmentationAlone | Reweighing | GroupDro | FairMetaLearning, groups: Sequence[str], joint_from: int
) -> Component:
    """The module that computes a choice, and its parameters as JSON has them.

    Args:
        choice: Of the strategy.
        groups: Protected group of each training subject of the fit; the order does not matter.
        joint_from: Step from which fair meta-learning trains both networks jointly.

    Raises:
        InvalidParameterError: Fair meta-learning has fewer than two groups to tell apart.
    """
    names = sorted(set(groups))
    match choice:
        case SegmentationAlone():
            return SEGMENTATION
        case Reweighing():
            return Component(path=REWEIGHING, parameters={"weights": reweighing_weights(groups)})
        case GroupDro():
            return Component(path=GROUP_DRO, parameters={"groups": names, "step_size": choice.step_size})
        case FairMetaLearning():
            own = choice.model_dump(mode="json", exclude={"kind"})
            told_apart = list(checked_groups(names, least=2))
            return Component(
                path=FAIR_META_LEARNING, parameters={"groups": told_apart, "joint_from": joint_from, **own}
            )
