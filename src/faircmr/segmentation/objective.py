"""What training minimises."""

from __future__ import annotations

from torch import Tensor, nn

from faircmr.segmentation.batches import Batch
from faircmr.segmentation.deep_supervision import deep_supervision
from faircmr.segmentation.losses import dice_and_cross_entropy
from faircmr.segmentation.plans import Plans


class SegmentationObjective(nn.Module):
    """Batch Dice and cross-entropy with deep supervision.

    Every objective is a module made with the plans and its own parameters: what it learns is
    trained along with the network, and what it remembers is in every checkpoint.

    Args:
        plans: Plans of the study; this objective needs nothing of them.
    """

    def __init__(self, plans: Plans) -> None:
        super().__init__()
        self.plans = plans

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        """Loss of one batch, a scalar.

        Args:
            heads: Logits of the network, full resolution first.
            batch: What the network saw.
        """
        return deep_supervision(dice_and_cross_entropy, heads, batch.label)
