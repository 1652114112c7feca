"""The segmentation network that plans describe."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from faircmr.core.randomness import derived_seed
from faircmr.segmentation.plans import Plans


class SegmentationNetwork(nn.Module):
    """nnU-Net's plain U-Net, of the blocks of MONAI's ``DynUNet``, with every head at its own resolution.

    ``DynUNet`` itself enlarges its heads to the full resolution and stacks them; nnU-Net does not,
    and the larger arrays would cost memory and time. It also names every weight twice.

    Args:
        plans: Channels, filters, kernels, strides and heads.
    """

    def __init__(self, plans: Plans) -> None:
        super().__init__()
        # MONAI takes seconds to import: only a process that trains or predicts pays for it
        from monai.networks.nets.dynunet import DynUNet

        unet = DynUNet(
            spatial_dims=2,
            in_channels=plans.channels,
            out_channels=plans.classes,
            kernel_size=plans.kernels,
            strides=plans.strides,
            upsample_kernel_size=plans.strides[1:],
            filters=plans.filters,
            norm_name=("INSTANCE", {"affine": True}),
            act_name=("leakyrelu", {"inplace": True, "negative_slope": 0.01}),
        )
        self.encoder = nn.ModuleList([unet.input_block, *unet.downsamples, unet.bottleneck])
        self.decoder = nn.ModuleList(unet.upsamples)
        # full resolution first; as in nnU-Net a head is one convolution of the decoder's features
        self.heads = nn.ModuleList(
            nn.Conv2d(channels, plans.classes, kernel_size=1)
            for channels in plans.filters[: plans.deep_supervision_heads]
        )
        self.heads.apply(DynUNet.initialize_weights)

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
