"""Fair meta-learning: segmentation is trained together with a classifier of the protected group."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from faircmr.core import InvalidModelError, InvalidParameterError, Parameters
from faircmr.mitigation.objectives.group_keys import checked_groups, group_positions
from faircmr.segmentation.data import Batch
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import all_reduce_sum, deep_supervision, describe_differences, dice_and_cross_entropy

Count = Annotated[int, Field(ge=1)]

NORM = ("group", {"num_groups": 1, "affine": True})
"""Normalisation of the classifier: each sample separately, over all its channels.

Batch norm would mix the groups of a batch, and would differ between devices. Instance norm sets the mean of each
channel to zero just before the pooling computes it, so that little information is left (docs/decisions/0013).
"""
CLASSIFIER = "classifier."
"""Prefix of its tensors in the state of an objective that has it as ``classifier``."""


class ClassifierPlans(Parameters):
    """Architecture of the classifier.

    Attributes:
        groups: Protected groups in the order of its outputs.
        segmentation: ``one_channel`` is the expected class, scaled to 0..1; ``probabilities`` one channel for each
            structure.
        filters: Channels of the first layer of the DenseNet.
        growth: Channels that each layer adds.
        blocks: Number of layers of each dense block.
        channels: Image channels.
        classes: Number of classes: background and structures.
    """

    groups: Annotated[tuple[str, ...], Field(min_length=2)]
    segmentation: Literal["one_channel", "probabilities"]
    filters: Count
    growth: Count
    blocks: Annotated[tuple[Count, ...], Field(min_length=1)]
    channels: Count = 1
    classes: Annotated[int, Field(ge=2)] = 4

    @property
    def inputs(self) -> int:
        """Input channels of the DenseNet."""
        return self.channels + (1 if self.segmentation == "one_channel" else self.classes - 1)

    @property
    def smallest_side(self) -> int:
        """Smallest rows or columns of an image, of which one remains in the last block."""
        # halved twice before the first block, and once between blocks
        return 1 << (len(self.blocks) + 1)

    @model_validator(mode="after")
    def _name_each_group_once(self) -> Self:
        if len(set(self.groups)) != len(self.groups):
            raise ValueError(f"groups are {list(self.groups)}: list each once")
        return self


class GroupClassifier(nn.Module):
    """MONAI's DenseNet on the image and its predicted segmentation; samples of a batch do not affect each other.

    Args:
        plans: Inputs, outputs and size.

    Source:
        Puyol-Antón et al. 2021, section 3, approach 2 (docs/decisions/0013).
    """

    def __init__(self, plans: ClassifierPlans) -> None:
        super().__init__()
        # imported here because MONAI takes seconds to import
        from monai.networks.nets.densenet import DenseNet

        self.plans = plans
        self.network = DenseNet(
            spatial_dims=2,
            in_channels=plans.inputs,
            out_channels=len(plans.groups),
            init_features=plans.filters,
            growth_rate=plans.growth,
            block_config=plans.blocks,
            norm=NORM,
            dropout_prob=0.0,
        )

    def forward(self, image: Tensor, soft: Tensor) -> Tensor:
        """Logit of each group, shape (samples, groups).

        Args:
            image: Shape (samples, channels, rows, columns); each side at least ``plans.smallest_side``.
            soft: Probability of each class, shape (samples, classes, rows, columns).
        """
        logits: Tensor = self.network(torch.cat([image, self._segmentation_channels(soft)], dim=1))
        return logits

    def log_probabilities(self, image: Tensor, logits: Tensor) -> Tensor:
        """Logarithm of each group's probability, shape (samples, groups).

        Args:
            image: Same as for :meth:`forward`.
            logits: Of the segmentation network at full resolution, shape (samples, classes, rows, columns).
        """
        return self(image, logits.float().softmax(dim=1)).log_softmax(dim=1)  # type: ignore[no-any-return]

    def _segmentation_channels(self, soft: Tensor) -> Tensor:
        """Input channels for the segmentation."""
        if self.plans.segmentation == "probabilities":
            return soft[:, 1:]
        values = torch.linspace(0, 1, soft.shape[1], dtype=soft.dtype, device=soft.device)
        return (soft * values.view(1, -1, 1, 1)).sum(dim=1, keepdim=True)


def classifier_state(objective: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the classifier in the state of an objective; empty if it has none.

    Args:
        objective: ``state_dict()`` of an objective, in memory or loaded from a file.
    """
    return {
        name.removeprefix(CLASSIFIER): value.detach()
        for name, value in objective.items()
        if name.startswith(CLASSIFIER)
    }


def build_classifier(plans: ClassifierPlans, state: Mapping[str, Tensor]) -> GroupClassifier:
    """Build a trained classifier in evaluation mode.

    Args:
        plans: Its architecture.
        state: Result of :func:`classifier_state`.

    Raises:
        InvalidModelError: The state does not fit the plans.
    """
    with torch.random.fork_rng(devices=[]):
        classifier = GroupClassifier(plans)
    if differences := describe_differences(_shapes(state), _shapes(classifier.state_dict())):
        value = f"weights and plans disagree: {differences[0]} (first of {len(differences)} differences)"
        raise InvalidModelError("classifier of protected groups", value, "weights of these plans", "run training again")
    classifier.load_state_dict(dict(state))
    return classifier.eval()


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


class FairMetaLearningObjective(nn.Module):
    """Batch Dice and cross-entropy, plus the cross-entropy of a classifier that sees the soft segmentation.

    At first both networks are trained separately: segmentation with deep supervision, and the classifier on the
    detached segmentation. Then they are trained jointly, without deep supervision: the gradient of the classifier's
    loss also reaches the segmentation network.

    Args:
        plans: Patch, channels and classes.
        groups: Protected groups of the training subjects, in the order of the classifier's outputs.
        weight: Of the classification loss in joint training (lambda), at least 0.
        joint_from: First step of joint training.
        segmentation: Segmentation channels of the classifier's input, see :class:`ClassifierPlans`.
        filters: Channels of the first layer of the classifier.
        growth: Channels that each layer adds.
        blocks: Number of layers of each dense block.

    Attributes:
        classifier: Trained together with the network, and saved in every checkpoint.

    Raises:
        InvalidParameterError: There are fewer than two groups, or the patch is too small for the number of blocks.

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
            batch: The batch of these logits; its keys are protected groups.

        Raises:
            InvalidParameterError: A sample's group is not one of the groups.
        """
        if batch.step < self.joint_from:
            # without a weight, because the two losses have no common parameters
            segmentation_loss = deep_supervision(dice_and_cross_entropy, heads, batch.label)
            return segmentation_loss + self.classification_loss(heads[0].detach(), batch)
        segmentation_loss = dice_and_cross_entropy(heads[0], batch.label) + _zero_gradient(heads[1:])
        return segmentation_loss + self.weight * self.classification_loss(heads[0], batch)

    def classification_loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """Mean cross-entropy of the classifier over the samples of all devices.

        Args:
            logits: Of the segmentation network at full resolution.
            batch: Same as for :meth:`forward`, with the same error.
        """
        groups = torch.tensor(group_positions(batch.keys, self.classifier.plans.groups), device=logits.device)
        log_probabilities = self.classifier.log_probabilities(batch.image, logits)
        summed = functional.nll_loss(log_probabilities, groups, reduction="sum")
        sums = all_reduce_sum(torch.stack([summed, summed.new_full((), len(groups))]))
        return sums[0] / sums[1]


def _zero_gradient(heads: list[Tensor]) -> Tensor | int:
    """Zero, with a gradient of zero for every head.

    ``DistributedDataParallel`` waits for a gradient of each parameter, and fails if the loss does not depend on one of
    them. A sum over an empty slice depends on the head and is always zero; zero times the values of the head would be
    NaN for infinite values.
    """
    return sum(head[:0].sum() for head in heads)


def _check_patch(plans: Plans, classifier: ClassifierPlans) -> None:
    if min(plans.patch) < classifier.smallest_side:
        raise InvalidParameterError(
            "<strategy>.strategy.objective.blocks",
            f"{len(classifier.blocks)} blocks with a patch of {plans.patch[0]} x {plans.patch[1]}",
            f"a patch of at least {classifier.smallest_side} x {classifier.smallest_side} for this number",
            "list fewer blocks, or increase plans.patch",
        )
