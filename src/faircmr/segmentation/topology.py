"""The shape of a U-Net by nnU-Net's rules: where it halves, how wide it is, and what a sample costs.

Source:
    Isensee et al. 2021; nnU-Net v2.8 ``get_pool_and_conv_props``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

from faircmr.segmentation.plans import Plans

Pair = tuple[int, int]
Spacing = tuple[float, float]

SMALLEST_FEATURE_MAP = 4
CONVOLUTIONS_PER_STAGE = 2


@dataclass(frozen=True)
class Topology:
    """Kernel and stride of each stage, rows and columns."""

    kernels: tuple[Pair, ...]
    strides: tuple[Pair, ...]

    @property
    def reduction(self) -> Pair:
        """Rows and columns that become one in the bottleneck."""
        rows, columns = (prod(stride[axis] for stride in self.strides) for axis in (0, 1))
        return rows, columns

    def padded(self, patch: Pair) -> Pair:
        """The smallest patch at least as large that the strides divide."""
        rows, columns = (
            ceil(size / reduction) * reduction for size, reduction in zip(patch, self.reduction, strict=True)
        )
        return rows, columns


def choose_topology(spacing: Spacing, patch: Pair, stages: int | None = None) -> Topology:
    """Halve axes while both keep 4 pixels, the coarser axis only once the finer has caught up.

    Args:
        spacing: Millimetres between rows and columns.
        patch: Rows and columns.
        stages: Largest number of resolutions.
    """
    spacings, sizes, kernel = list(spacing), list(patch), [1, 1]
    kernels: list[Pair] = []
    strides: list[Pair] = [(1, 1)]
    while len(strides) != stages and (axes := _axes_to_halve(spacings, sizes)):
        kernel = [
            3 if size == 3 or each < 2 * min(spacings) else 1 for size, each in zip(kernel, spacings, strict=True)
        ]
        kernels.append((kernel[0], kernel[1]))
        strides.append((2 if 0 in axes else 1, 2 if 1 in axes else 1))
        for axis in axes:
            spacings[axis], sizes[axis] = spacings[axis] * 2, ceil(sizes[axis] / 2)
    return Topology((*kernels, (3, 3)), tuple(strides))


def activations(plans: Plans) -> int:
    """Values that the convolutions put out for one sample, as nnU-Net estimates memory."""
    sizes, size = [], plans.patch
    for stride in plans.strides:
        size = (size[0] // stride[0], size[1] // stride[1])
        sizes.append(prod(size))
    stages = list(zip(plans.filters, sizes, strict=True))
    encoder = sum(CONVOLUTIONS_PER_STAGE * channels * size for channels, size in stages)
    # each stage of the decoder adds its transposed convolution, and none is at the bottleneck
    decoder = sum((CONVOLUTIONS_PER_STAGE + 1) * channels * size for channels, size in stages[:-1])
    return encoder + decoder + plans.classes * sizes[0]


def _axes_to_halve(spacings: list[float], sizes: list[int]) -> list[int]:
    large = [axis for axis in (0, 1) if sizes[axis] >= 2 * SMALLEST_FEATURE_MAP]
    finest = min((spacings[axis] for axis in large), default=0.0)
    axes = [axis for axis in large if spacings[axis] < 2 * finest]
    if len(axes) == 1 and sizes[axes[0]] < 3 * SMALLEST_FEATURE_MAP:
        return []
    return axes
