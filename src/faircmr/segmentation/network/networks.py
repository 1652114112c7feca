"""Segmentation network (U-Net) of the plans, and safetensors files with its weights and plans."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from faircmr.core import InvalidModelError, derived_seed
from faircmr.core.host import write_atomically
from faircmr.segmentation.network.plans import Plans
from faircmr.segmentation.training import describe_differences

LEAKY_SLOPE = 0.01
"""Negative slope of the leaky ReLU."""
Pair = tuple[int, int]


class Stage(nn.Module):
    """Two layers of convolution, instance norm and leaky ReLU; the first layer has the stride."""

    def __init__(self, inputs: int, outputs: int, kernel: Pair, stride: Pair = (1, 1)) -> None:
        super().__init__()
        padding = ((kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
        self.conv1 = _wrap_convolution(nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False))
        self.conv2 = _wrap_convolution(nn.Conv2d(outputs, outputs, kernel, 1, padding, bias=False))
        self.norm1, self.norm2 = (nn.InstanceNorm2d(outputs, eps=1e-5, affine=True) for _ in range(2))

    def forward(self, features: Tensor) -> Tensor:
        """Shape (samples, inputs, rows, columns) to (samples, outputs, rows / stride, columns / stride)."""
        features = leaky_relu(self.norm1(self.conv1(features)), LEAKY_SLOPE, inplace=True)
        return leaky_relu(self.norm2(self.conv2(features)), LEAKY_SLOPE, inplace=True)


class UpStage(nn.Module):
    """Transposed convolution, then a stage on its output and the encoder features of the same resolution."""

    def __init__(self, inputs: int, outputs: int, kernel: Pair, stride: Pair) -> None:
        super().__init__()
        # with a bias, because no norm follows that would remove it
        self.transp_conv = _wrap_convolution(nn.ConvTranspose2d(inputs, outputs, stride, stride))
        self.conv_block = Stage(2 * outputs, outputs, kernel)

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        """Compute features from those of the stage below and those of the encoder."""
        output: Tensor = self.conv_block(torch.cat([self.transp_conv(features), skip], dim=1))
        return output


class SegmentationNetwork(nn.Module):
    """nnU-Net's plain U-Net, with each head at its own resolution.

    MONAI's ``DynUNet`` differs from this network, and its blocks take seconds to import (docs/decisions/0004).

    Args:
        plans: Channels, filters, kernels, strides and heads.

    Source:
        nnU-Net v2.8.1 ``PlainConvUNet`` with the arguments of ``ExperimentPlanner``. Its convolutions also
        have a bias; the norm that follows removes it, so there is none here.
    """

    def __init__(self, plans: Plans) -> None:
        super().__init__()
        filters, kernels, strides = plans.filters, plans.kernels, plans.strides
        inputs = (plans.channels, *filters)
        self.encoder = nn.ModuleList(
            Stage(inputs[stage], filters[stage], kernels[stage], strides[stage]) for stage in range(len(filters))
        )
        # lowest resolution first
        self.decoder = nn.ModuleList(
            UpStage(filters[stage + 1], filters[stage], kernels[stage], strides[stage + 1])
            for stage in reversed(range(len(filters) - 1))
        )
        # full resolution first; as in nnU-Net, a head is one convolution of the decoder's features
        self.heads = nn.ModuleList(
            nn.Conv2d(channels, plans.classes, kernel_size=1) for channels in filters[: plans.deep_supervision_heads]
        )
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Logits at each supervised resolution, the full resolution first.

        Args:
            image: Shape (samples, channels, rows, columns).

        Returns:
            Shapes (samples, classes, rows / r, columns / r), where r is 1 for the first and then the product of
            the strides so far; outside of training, only the first.
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
    """Build a network with He-initialised weights that depend only on plans and seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "weights"))
        return SegmentationNetwork(plans)


def _wrap_convolution(convolution: nn.Module) -> nn.Sequential:
    """Give a convolution the name that it has in weights of earlier versions."""
    return nn.Sequential(OrderedDict(conv=convolution))


def _initialise(module: nn.Module) -> None:
    """He initialisation of convolutions, as in nnU-Net's ``InitWeights_He(1e-2)``; norms keep PyTorch's 1 and 0."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_normal_(module.weight, a=LEAKY_SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


REMEDY = "delete the fit's folder and run training again"


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and text metadata atomically.

    Raises:
        OutputError: The folder cannot be written.
    """
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    write_atomically(path, save(contiguous, dict(metadata)))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Load the tensors (on the CPU) and the text metadata of a file.

    Raises:
        InvalidModelError: The file is missing, truncated or of another kind.
    """
    with _open_safetensors(path) as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def load_metadata(path: Path) -> dict[str, str]:
    """Load the text metadata of a file without its tensors.

    Raises:
        InvalidModelError: Same as for :func:`load_tensors`.
    """
    with _open_safetensors(path) as file:
        return dict(file.metadata() or {})


@contextmanager
def _open_safetensors(path: Path) -> Iterator[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (OSError, SafetensorError) as error:
        raise InvalidModelError(path.name, "missing or truncated", "a complete safetensors file", REMEDY) from error


def save_network(path: Path, network: SegmentationNetwork, plans: Plans) -> None:
    """Write weights and plans of a network to a file for :func:`load_network`."""
    save_tensors(path, network.state_dict(), {"plans": plans.model_dump_json()})


def load_network(path: Path) -> tuple[SegmentationNetwork, Plans]:
    """Load network and plans from a file.

    Raises:
        InvalidModelError: The file is damaged, or its weights do not fit its plans.
    """
    tensors, metadata = load_tensors(path)
    try:
        plans = Plans.model_validate_json(metadata.get("plans", ""))
    except ValidationError as error:
        first = error.errors()[0]
        raise _disagreement(path, f"{'.'.join(('plans', *map(str, first['loc'])))}: {first['msg']}") from error
    network = build_network(plans, seed=0)
    if differences := describe_differences(_shapes(tensors), _shapes(network.state_dict())):
        raise _disagreement(path, f"{differences[0]} (first of {len(differences)} differences)")
    network.load_state_dict(tensors)
    return network, plans


def load_weights(path: Path, plans: Plans) -> dict[str, Tensor]:
    """Load the weights of a file for a network with these plans.

    Raises:
        InvalidModelError: The file is damaged, or its network has other plans; names the differences.
    """
    network, stored = load_network(path)
    if differences := describe_differences(stored.model_dump(mode="json"), plans.model_dump(mode="json")):
        raise InvalidModelError(path.name, "; ".join(differences), "weights of the same plans", REMEDY)
    return network.state_dict()


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, list[int]]:
    return {name: list(tensor.shape) for name, tensor in tensors.items()}


def _disagreement(path: Path, difference: str) -> InvalidModelError:
    value = f"weights and plans disagree: {difference}"
    return InvalidModelError(path.name, value, "weights of this version", REMEDY)
