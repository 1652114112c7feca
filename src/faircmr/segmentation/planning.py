"""Plans from the fingerprint of a data set, by nnU-Net's rules for its 2-D configuration.

Source:
    Isensee et al. 2021; nnU-Net v2.8 ``ExperimentPlanner`` and ``get_pool_and_conv_props``.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core.errors import InvalidCohortError
from faircmr.segmentation.plans import SMALLEST_PATCH, PlanOverrides, Plans

Table = npt.NDArray[np.float64]
Pair = tuple[int, int]

LARGEST_PATCH = 2048**2
SMALLEST_FEATURE_MAP = 4
# one training step of batch 12 with this many activations a sample takes 8 GB
REFERENCE_ACTIVATIONS, REFERENCE_BATCH, REFERENCE_MEMORY_GB = 85_000_000, 12, 8.0
SMALLEST_BATCH = 2
LARGEST_SHARE_OF_DATA = 0.05
ANISOTROPIC = 3.0
CONVOLUTIONS_PER_STAGE = 2
CLASSES = 4


@dataclass(frozen=True)
class Topology:
    """Kernel and stride of each stage, rows and columns."""

    kernels: tuple[Pair, ...]
    strides: tuple[Pair, ...]


def plan(scans: pd.DataFrame, overrides: PlanOverrides) -> Plans:
    """Decide grid, patch, batch size and network for a data set.

    Args:
        scans: One row a scan that training may see: ``slices``, ``rows``, ``columns`` and, in
            millimetres, ``spacing_slice``, ``spacing_row``, ``spacing_column``.
        overrides: Values that are fixed beforehand.

    Returns:
        Median spacing; a patch that holds the median image; halved while a feature map keeps 4
        pixels a side; filters doubled from stage to stage; the batch that fits the memory, unless
        it covers more than 5 % of the data.

    Raises:
        InvalidCohortError: There are no scans.
    """
    if scans.empty:
        raise InvalidCohortError("scans", "none", "at least one scan to plan for", "check the splits and the source")
    shapes = scans[["slices", "rows", "columns"]].to_numpy(float)
    spacings = scans[["spacing_slice", "spacing_row", "spacing_column"]].to_numpy(float)
    target = _target_spacing(shapes, spacings, overrides)
    median_shape = np.median(np.round(shapes * spacings / target), axis=0)
    spacing = (round(float(target[1]), 6), round(float(target[2]), 6))
    patch = overrides.patch or _initial_patch(spacing, median_shape[1:])
    topology = _topology(spacing, patch, overrides.stages)
    stages = range(len(topology.strides))
    filters = tuple(min(overrides.base_filters * 2**stage, overrides.maximum_filters) for stage in stages)
    patch = _divisible(patch, topology)
    return Plans(
        spacing=spacing,
        patch=patch,
        batch_size=overrides.batch_size or _batch_size(patch, filters, topology, median_shape, len(scans), overrides),
        filters=filters,
        kernels=topology.kernels,
        strides=topology.strides,
        # nnU-Net gives the lowest of its stages - 1 resolutions no weight
        deep_supervision_heads=max(1, len(filters) - 2),
        classes=CLASSES,
    )


def _target_spacing(shapes: Table, spacings: Table, overrides: PlanOverrides) -> Table:
    """Median spacing; between slices the 10th percentile where they are far apart, as nnU-Net."""
    target, shape = np.median(spacings, axis=0), np.median(shapes, axis=0)
    if overrides.spacing is not None:
        target[1:] = overrides.spacing
    if target[0] > ANISOTROPIC * target[1:].max() and shape[0] * ANISOTROPIC < shape[1:].min():
        target[0] = max(np.percentile(spacings[:, 0], 10), target[1:].max() + 1e-5)
    return target


def _initial_patch(spacing: tuple[float, float], median_shape: Table) -> Pair:
    """Patch of the largest area, square in millimetres, and no larger than the median image."""
    resolution = 1 / np.array(spacing)
    largest = np.round(resolution * np.sqrt(LARGEST_PATCH / resolution.prod()))
    rows, columns = np.minimum(largest, median_shape).astype(int)
    return max(int(rows), SMALLEST_PATCH), max(int(columns), SMALLEST_PATCH)


def _topology(spacing: tuple[float, float], patch: Pair, stages: int | None) -> Topology:
    """Halve axes while both keep 4 pixels, the coarser axis only once the finer has caught up."""
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


def _axes_to_halve(spacings: list[float], sizes: list[int]) -> list[int]:
    large = [axis for axis in (0, 1) if sizes[axis] >= 2 * SMALLEST_FEATURE_MAP]
    finest = min((spacings[axis] for axis in large), default=0.0)
    axes = [axis for axis in large if spacings[axis] < 2 * finest]
    if len(axes) == 1 and sizes[axes[0]] < 3 * SMALLEST_FEATURE_MAP:
        return []
    return axes


def _divisible(patch: Pair, topology: Topology) -> Pair:
    rows, columns = (prod(stride[axis] for stride in topology.strides) for axis in (0, 1))
    return ceil(patch[0] / rows) * rows, ceil(patch[1] / columns) * columns


def _batch_size(
    patch: Pair, filters: tuple[int, ...], topology: Topology, shape: Table, scans: int, overrides: PlanOverrides
) -> int:
    reference = REFERENCE_ACTIVATIONS * overrides.memory_gb / REFERENCE_MEMORY_GB
    fits_memory = round(reference / _activations(patch, filters, topology) * REFERENCE_BATCH)
    covers_share = round(float(shape.prod()) * scans * LARGEST_SHARE_OF_DATA / prod(patch))
    return max(SMALLEST_BATCH, min(fits_memory, covers_share))


def _activations(patch: Pair, filters: tuple[int, ...], topology: Topology) -> int:
    """Values that the convolutions of one sample put out, as nnU-Net estimates memory."""
    sizes, size = [], patch
    for stride in topology.strides:
        size = (size[0] // stride[0], size[1] // stride[1])
        sizes.append(prod(size))
    encoder = sum(CONVOLUTIONS_PER_STAGE * channels * size for channels, size in zip(filters, sizes, strict=True))
    # each stage of the decoder adds its transposed convolution
    decoder = sum((CONVOLUTIONS_PER_STAGE + 1) * channels * size for channels, size in zip(filters, sizes, strict=True))
    bottleneck = (CONVOLUTIONS_PER_STAGE + 1) * filters[-1] * sizes[-1]
    return encoder + decoder - bottleneck + CLASSES * sizes[0]
