"""Fair meta-learning: segmentation along with a classifier of the protected group."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from faircmr.core.errors import InvalidParameterError
from faircmr.mitigation.group_classifier import ClassifierPlans, GroupClassifier
from faircmr.mitigation.group_keys import checked_groups, positions_of
from faircmr.segmentation.batches import Batch
from faircmr.segmentation.deep_supervision import deep_supervision
from faircmr.segmentation.losses import dice_and_cross_entropy
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.ranks import total


class FairMetaLearningObjective(nn.Module):
    """Batch Dice and cross-entropy, and the cross-entropy of a classifier that sees the soft segmentation.

    First both networks learn apart: segmentation with deep supervision, and the classifier from a segmentation through
    which its gradient does not pass. Then they learn jointly, without deep supervision: the gradient of the
    classifier's loss passes on into the segmentation network.

    Args:
        plans: Patch, channels and classes.
        groups: Protected groups of the training subjects, in the order of the classifier's outputs.
        weight: Of the classification loss when both learn jointly (lambda), at least 0.
        joint_from: Step from which they do.
        segmentation: How the classifier sees the segmentation, see :class:`ClassifierPlans`.
        filters: Channels that the classifier begins with.
        growth: Channels that each of its layers adds.
        blocks: Layers of each of its dense blocks.

    Attributes:
        classifier: Trained along with the network, and in every checkpoint.

    Raises:
        InvalidParameterError: There are fewer than two groups, or the patch is too small for so many blocks.

    Source:
        Puyol-Antón et al. 2021, section 3, approach 2; what it leaves open is in docs/decisions/0013.
    """

    def __init__(  # noqa: PLR0913 - the names of a job's parameters
        self,
        plans: Plans,
        *,
        groups: list[str],
        weight: float,
        joint_from: int,
        segmentation: Literal["one_channel", "probabilities"],
        filters: int,
        growth: int,
        blocks: list[int],
    ) -> None:
        super().__init__()
        self.plans, self.weight, self.joint_from = plans, weight, joint_from
        classifier_plans = ClassifierPlans(
            groups=checked_groups(groups, least=2),
            segmentation=segmentation,
            filters=filters,
            growth=growth,
            blocks=tuple(blocks),
            channels=plans.channels,
            classes=plans.classes,
        )
        _check_patch(plans, classifier_plans)
        self.classifier = GroupClassifier(classifier_plans)

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        """Loss of one batch, a scalar.

        Args:
            heads: Logits of the network, full resolution first.
            batch: What the network saw; its keys are protected groups.

        Raises:
            InvalidParameterError: A sample's group is none of the groups.
        """
        if batch.step < self.joint_from:
            # no weight: each of them learns what it would learn alone
            segmentation_loss = deep_supervision(dice_and_cross_entropy, heads, batch.label)
            return segmentation_loss + self.classification_loss(heads[0].detach(), batch)
        segmentation_loss = dice_and_cross_entropy(heads[0], batch.label) + _nothing_of(heads[1:])
        return segmentation_loss + self.weight * self.classification_loss(heads[0], batch)

    def classification_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy of the classifier over the samples of all devices.

        Args:
            logits: Of the segmentation network at full resolution.
            batch: As for :meth:`forward`, whose error is raised here.
        """
        places = torch.tensor(positions_of(batch.keys, self.classifier.plans.groups), device=logits.device)
        said = self.classifier.log_probabilities(batch.image, logits)
        summed = functional.nll_loss(said, places, reduction="sum")
        sums = total(torch.stack([summed, summed.new_full((), len(places))]))
        return sums[0] / sums[1]


def _nothing_of(heads: list[Tensor]) -> Tensor | int:
    """Zero, with a gradient of zero for every head.

    ``DistributedDataParallel`` waits for a gradient of each parameter, and refuses a loss that one of them has no part
    in. The sum over no samples has a part in it, and is zero whatever the head says; zero times its values would be NaN
    where one of them is infinite.
    """
    return sum(head[:0].sum() for head in heads)


def _check_patch(plans: Plans, classifier: ClassifierPlans) -> None:
    if min(plans.patch) < classifier.smallest_side:
        raise InvalidParameterError(
            "<strategy>.strategy.objective.blocks",
            f"{len(classifier.blocks)} blocks with a patch of {plans.patch[0]} x {plans.patch[1]}",
            f"a patch of at least {classifier.smallest_side} x {classifier.smallest_side} for so many",
            "list fewer blocks, or set a larger plans.patch",
        )
