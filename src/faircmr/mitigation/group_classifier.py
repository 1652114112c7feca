"""A DenseNet that says which protected group an image and its segmentation belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from faircmr.core.errors import InvalidModelError
from faircmr.core.parameters import Parameters
from faircmr.segmentation.differences import named_differences

Count = Annotated[int, Field(ge=1)]

NORM = ("group", {"num_groups": 1, "affine": True})
"""Of each sample for itself, over all channels together.

Batch norm would mix the groups of a batch, and be another one on each device. Instance norm sets the mean of each
channel to zero just before the pooling takes that mean, so that little is left to learn from (docs/decisions/0013).
"""
CLASSIFIER = "classifier."
"""Before the names of its tensors in the state of an objective that has one as ``classifier``."""


class ClassifierPlans(Parameters):
    """Everything that determines the classifier but its weights.

    Attributes:
        groups: Protected groups in the order of its outputs.
        segmentation: ``one_channel`` is the expected class, scaled to 0..1; ``probabilities`` one channel a structure.
        filters: Channels that the DenseNet begins with.
        growth: Channels that each of its layers adds.
        blocks: Layers of each of its dense blocks.
        channels: Image channels.
        classes: Background and structures.
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
        """Channels that the DenseNet sees."""
        return self.channels + (1 if self.segmentation == "one_channel" else self.classes - 1)

    @property
    def smallest_side(self) -> int:
        """Rows or columns of an image of which one is left in the last block."""
        # halved twice before the first block, and once between blocks
        return 1 << (len(self.blocks) + 1)

    @model_validator(mode="after")
    def _name_each_group_once(self) -> Self:
        if len(set(self.groups)) != len(self.groups):
            raise ValueError(f"groups are {list(self.groups)}: name each once")
        return self


class GroupClassifier(nn.Module):
    """MONAI's DenseNet, on the image and what a segmentation network says about it.

    What it says about a sample depends on no other sample.

    Args:
        plans: Inputs, outputs and size.

    Source:
        Puyol-Antón et al. 2021, section 3, approach 2 (docs/decisions/0013).
    """

    def __init__(self, plans: ClassifierPlans) -> None:
        super().__init__()
        # MONAI takes seconds to import: only who trains or uses a classifier pays for it
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
        logits: Tensor = self.network(torch.cat([image, self._shown(soft)], dim=1))
        return logits

    def log_probabilities(self, image: Tensor, logits: Tensor) -> Tensor:
        """Logarithm of each group's probability, shape (samples, groups).

        Args:
            image: As for :meth:`forward`.
            logits: Of the segmentation network at full resolution, shape (samples, classes, rows, columns).
        """
        return self(image, logits.float().softmax(dim=1)).log_softmax(dim=1)  # type: ignore[no-any-return]

    def _shown(self, soft: Tensor) -> Tensor:
        """Channels that stand for the segmentation."""
        if self.plans.segmentation == "probabilities":
            return soft[:, 1:]
        values = torch.linspace(0, 1, soft.shape[1], dtype=soft.dtype, device=soft.device)
        return (soft * values.view(1, -1, 1, 1)).sum(dim=1, keepdim=True)


def classifier_state(objective: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of the classifier in the state of an objective; empty where it has none.

    Args:
        objective: ``state_dict()`` of an objective with a ``classifier``, or what was saved of it.
    """
    return {
        name.removeprefix(CLASSIFIER): value.detach()
        for name, value in objective.items()
        if name.startswith(CLASSIFIER)
    }


def build_classifier(plans: ClassifierPlans, state: Mapping[str, Tensor]) -> GroupClassifier:
    """A trained classifier, ready to be used.

    Args:
        plans: Its plans.
        state: As :func:`classifier_state` gives it.

    Raises:
        InvalidModelError: The state is not one of these plans.
    """
    with torch.random.fork_rng(devices=[]):
        classifier = GroupClassifier(plans)
    if differing := named_differences(_shapes(state), _shapes(classifier.state_dict())):
        value = f"weights and plans disagree: {differing[0]}, and so on in {len(differing)} arrays"
        raise InvalidModelError("classifier of protected groups", value, "weights of these plans", "run training again")
    classifier.load_state_dict(dict(state))
    return classifier.eval()


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}
