"""The segmentation network that plans describe."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from faircmr.core.randomness import derived_seed
from faircmr.segmentation.plans import Plans

SLOPE = 0.01
"""Of the leaky ReLU below zero."""


class SegmentationNetwork(nn.Module):
    """nnU-Net's plain U-Net, of MONAI's blocks, with every head at its own resolution.

    Two blocks a stage of convolution, instance norm and leaky ReLU. MONAI's own ``DynUNet`` is not quite
    nnU-Net's network (docs/decisions/0004).

    Args:
        plans: Channels, filters, kernels, strides and heads.

    Source:
        nnU-Net v2.8.1 ``PlainConvUNet`` with the arguments of ``ExperimentPlanner``. Its convolutions also
        have a bias; the norm that follows takes it away again, so here they have none.
    """

    def __init__(self, plans: Plans) -> None:
        super().__init__()
        # MONAI takes seconds to import: only a process that trains or predicts pays for it
        from monai.networks.blocks.dynunet_block import UnetBasicBlock, UnetUpBlock

        filters, kernels, strides = plans.filters, plans.kernels, plans.strides
        inputs = (plans.channels, *filters)
        norm = ("instance", {"affine": True, "eps": 1e-5})
        activation = ("leakyrelu", {"inplace": True, "negative_slope": SLOPE})
        self.encoder = nn.ModuleList(
            UnetBasicBlock(2, inputs[stage], filters[stage], kernels[stage], strides[stage], norm, activation)
            for stage in range(len(filters))
        )
        # the lowest first; the transposed convolution has a bias, which no norm takes away
        self.decoder = nn.ModuleList(
            UnetUpBlock(
                *(2, filters[stage + 1], filters[stage], kernels[stage], 1, strides[stage + 1], norm, activation),
                trans_bias=True,
            )
            for stage in reversed(range(len(filters) - 1))
        )
        # full resolution first; as in nnU-Net a head is one convolution of the decoder's features
        self.heads = nn.ModuleList(
            nn.Conv2d(channels, plans.classes, kernel_size=1) for channels in filters[: plans.deep_supervision_heads]
        )
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Logits at every supervised resolution, the full one first.

        Args:
            image: Shape (samples, channels, rows, columns).

        Returns:
            Shapes (samples, classes, rows / r, columns / r), where r is 1 and then the product of
            the strides so far; only the first outside of training.
        """
        skips = []
        features = image
        for stage in self.encoder:
            features = stage(features)
            skips.append(features)
        decoded = []
        for stage, skip in zip(self.decoder, reversed(skips[:-1]), strict=True):
            features = stage(features, skip)
            decoded.append(features)
        decoded.reverse()
        heads = list(self.heads) if self.training else [self.heads[0]]
        return [head(features) for head, features in zip(heads, decoded, strict=False)]


def build_network(plans: Plans, seed: int) -> SegmentationNetwork:
    """Network with He-initialised weights that are a function of plans and seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "weights"))
        return SegmentationNetwork(plans)


def _initialise(module: nn.Module) -> None:
    """He's initialisation of every convolution, as nnU-Net's ``InitWeights_He(1e-2)``; norms begin at 1 and 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
