"""What training minimises."""

from __future__ import annotations

from torch import Tensor, nn

from faircmr.segmentation.batches import Batch
from faircmr.segmentation.deep_supervision import deep_supervision
from faircmr.segmentation.devices import forward_pass
from faircmr.segmentation.losses import dice_and_cross_entropy
from faircmr.segmentation.parameters import Precision
from faircmr.segmentation.plans import Plans


class BatchLoss(nn.Module):
    """Network and objective as one module: from a batch to its loss.

    Args:
        network: Image to heads.
        objective: Heads and batch to loss.
        precision: Of the network's forward pass.
    """

    def __init__(self, network: nn.Module, objective: nn.Module, precision: Precision) -> None:
        super().__init__()
        self.network, self.objective, self.precision = network, objective, precision

    def forward(self, batch: Batch) -> Tensor:
        """Loss of one batch, a scalar."""
        loss: Tensor = self.objective(forward_pass(self.network, batch.image, self.precision), batch)
        return loss


class SegmentationObjective(nn.Module):
    """Batch Dice and cross-entropy with deep supervision.

    Every objective is a module made with the plans and its own parameters: what it learns is
    trained along with the network, and what it remembers is in every checkpoint.

    On several devices an objective sees the part of the batch that is on its own: it builds its loss,
    and what it remembers, from :func:`~faircmr.segmentation.ranks.total` of sums and counts.

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
