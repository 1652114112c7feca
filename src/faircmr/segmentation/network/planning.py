"""Fingerprint of a data set, and plans from it by nnU-Net's rules for its 2-D configuration.

Source:
    Isensee et al. 2021; nnU-Net v2.8 ``ExperimentPlanner`` and ``get_pool_and_conv_props``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, prod
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from faircmr.core import InvalidCohortError, InvalidParameterError, Parameters, parse_parameters
from faircmr.core.scans import ALL_STRUCTURES, Structures, structures_of_study
from faircmr.segmentation.network.plans import SMALLEST_PATCH, PlanOverrides, Plans

Count = Annotated[int, Field(ge=1)]
Millimetres = Annotated[float, Field(gt=0.0)]
Table = npt.NDArray[np.float64]

SHAPE = ["cropped_slices", "cropped_rows", "cropped_columns"]
SPACING = ["spacing_slice", "spacing_row", "spacing_column"]


class Grid(Parameters):
    """A grid, and the number of scans that have it.

    Attributes:
        scans: Number of scans.
        shape: Slices, rows and columns, without margins of zeros.
        spacing: Millimetres between slices, rows and columns.
    """

    scans: Count
    shape: tuple[Count, Count, Count]
    spacing: tuple[Millimetres, Millimetres, Millimetres]


class ForegroundIntensities(Parameters):
    """Intensities inside the labelled structures: statistics of each scan, then medians over the labelled scans.

    MR intensities have no unit, so statistics of pooled scans would describe the scanners. Planning
    does not use them: each scan is normalised by its own mean and standard deviation.

    Attributes:
        mean: Mean of a scan.
        sd: Standard deviation within a scan.
        percentile_00_5: Percentile 0.5 of a scan.
        median: Median of a scan.
        percentile_99_5: Percentile 99.5 of a scan.
    """

    mean: float
    sd: float
    percentile_00_5: float
    median: float
    percentile_99_5: float


class Fingerprint(Parameters):
    """Properties of the scans that training may use.

    Attributes:
        size_after_cropping: Median share of a scan that remains after cropping margins of zeros, 0..1.
        foreground_intensities: ``None`` if no scan has a label.
        grids: All grids, the most frequent first.
        structures: Structures that are labelled at every phase; all structures if no scan has a label.

    Source:
        Isensee et al. 2021; nnU-Net v2.8 ``DatasetFingerprintExtractor``.
    """

    size_after_cropping: Annotated[float, Field(gt=0.0, le=1.0)]
    foreground_intensities: ForegroundIntensities | None
    grids: Annotated[tuple[Grid, ...], Field(min_length=1)]
    structures: Structures = ALL_STRUCTURES

    @property
    def shapes(self) -> Table:
        """Slices, rows and columns, shape (scans, 3)."""
        return self._of_every_scan([grid.shape for grid in self.grids])

    @property
    def spacings(self) -> Table:
        """Millimetres between slices, rows and columns, shape (scans, 3)."""
        return self._of_every_scan([grid.spacing for grid in self.grids])

    def _of_every_scan(self, values: Sequence[tuple[float, ...]]) -> Table:
        return np.repeat(np.array(values, dtype=np.float64), [grid.scans for grid in self.grids], axis=0)


def take_fingerprint(scans: pd.DataFrame) -> Fingerprint:
    """Compute the fingerprint of the scans that training may use.

    Args:
        scans: One row for each scan, with the columns of ``core.schemas.SCAN_TYPES``.

    Raises:
        InvalidCohortError: There are no scans, or no structure is labelled at every phase.
    """
    if scans.empty:
        raise InvalidCohortError("scans", "none", "at least one scan to plan for", "check the splits and the source")
    cropped = scans[SHAPE].prod(axis=1) / scans[["slices", "rows", "columns"]].prod(axis=1)
    return Fingerprint(
        size_after_cropping=float(cropped.median()),
        foreground_intensities=_foreground_intensities(scans),
        grids=_grids(scans),
        structures=structures_of_study(scans),
    )


def _grids(scans: pd.DataFrame) -> tuple[Grid, ...]:
    # headers contain 32-bit floats, which have no more than six meaningful decimals
    counts = scans.round(dict.fromkeys(SPACING, 6)).groupby([*SHAPE, *SPACING]).size().reset_index(name="scans")
    grids = [
        Grid(scans=scans, shape=(slices, rows, columns), spacing=spacing)
        for slices, rows, columns, *spacing, scans in counts.itertuples(index=False)
    ]
    return tuple(sorted(grids, key=lambda grid: (-grid.scans, grid.shape, grid.spacing)))


def _foreground_intensities(scans: pd.DataFrame) -> ForegroundIntensities | None:
    names = ForegroundIntensities.model_fields
    medians = scans[[f"foreground_{name}" for name in names]].dropna().median()
    if medians.isna().any():
        return None
    return ForegroundIntensities(**dict(zip(names, medians.round(4).tolist(), strict=True)))


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
        """Rows and columns of the patch per row and column of the bottleneck."""
        rows, columns = (prod(stride[axis] for stride in self.strides) for axis in (0, 1))
        return rows, columns

    def padded(self, patch: Pair) -> Pair:
        """Round the patch up to a multiple of the reduction."""
        rows, columns = (
            ceil(size / reduction) * reduction for size, reduction in zip(patch, self.reduction, strict=True)
        )
        return rows, columns


def choose_topology(spacing: Spacing, patch: Pair, stages: int | None = None) -> Topology:
    """Halve axes while at least 4 pixels remain; the coarser axis is halved only when the finer one is as coarse.

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
    """Number of output values of all convolutions for one sample: nnU-Net's estimate of memory."""
    sizes, size = [], plans.patch
    for stride in plans.strides:
        size = (size[0] // stride[0], size[1] // stride[1])
        sizes.append(prod(size))
    stages = list(zip(plans.filters, sizes, strict=True))
    encoder = sum(CONVOLUTIONS_PER_STAGE * channels * size for channels, size in stages)
    # each decoder stage also has a transposed convolution; the bottleneck has no decoder stage
    decoder = sum((CONVOLUTIONS_PER_STAGE + 1) * channels * size for channels, size in stages[:-1])
    return encoder + decoder + plans.classes * sizes[0]


def _axes_to_halve(spacings: list[float], sizes: list[int]) -> list[int]:
    large = [axis for axis in (0, 1) if sizes[axis] >= 2 * SMALLEST_FEATURE_MAP]
    finest = min((spacings[axis] for axis in large), default=0.0)
    axes = [axis for axis in large if spacings[axis] < 2 * finest]
    if len(axes) == 1 and sizes[axes[0]] < 3 * SMALLEST_FEATURE_MAP:
        return []
    return axes


LARGEST_PATCH = 2048**2
# one training step of batch 12 with this many activations a sample takes 8 GB
REFERENCE_ACTIVATIONS, REFERENCE_BATCH, REFERENCE_MEMORY_GB = 85_000_000, 12, 8.0
SMALLEST_BATCH = 2
LARGEST_SHARE_OF_DATA = 0.05
ANISOTROPIC = 3.0


def make_plans(fingerprint: Fingerprint, overrides: PlanOverrides) -> Plans:
    """Plan grid, patch, batch size, network and structures for a data set.

    Args:
        fingerprint: Of the scans that training may use.
        overrides: Values that the study sets.

    Returns:
        Median spacing; a patch that contains the median image, or the largest part of it of which the memory
        permits two; stages while feature maps keep 4 pixels a side; filters doubled from stage to stage;
        the largest batch that the memory permits, but at most 5 % of the data.

    Raises:
        InvalidParameterError: The overrides do not describe a network, or the memory is too small for any.
    """
    shapes, spacings = fingerprint.shapes, fingerprint.spacings
    target = _target_spacing(shapes, spacings, overrides)
    median_shape = np.median(np.round(shapes * spacings / target), axis=0)
    spacing = (round(float(target[1]), 6), round(float(target[2]), 6))
    plans = _plans(spacing, median_shape[1:], overrides)
    batch_size = overrides.batch_size or _batch_size(plans, median_shape, len(shapes), overrides)
    # memory is planned for all structures, because one output channel makes little difference
    return plans.model_copy(update={"batch_size": batch_size, "structures": fingerprint.structures})


def _target_spacing(shapes: Table, spacings: Table, overrides: PlanOverrides) -> Table:
    """Median spacing; between distant slices, the 10th percentile, as in nnU-Net."""
    target, shape = np.median(spacings, axis=0), np.median(shapes, axis=0)
    if overrides.spacing is not None:
        target[1:] = overrides.spacing
    if target[0] > ANISOTROPIC * target[1:].max() and shape[0] * ANISOTROPIC < shape[1:].min():
        target[0] = max(np.percentile(spacings[:, 0], 10), target[1:].max() + 1e-5)
    return target


def _plans(spacing: Spacing, median_shape: Table, overrides: PlanOverrides) -> Plans:
    """Plans with the smallest batch; the patch is reduced until this batch fits the memory."""
    if overrides.patch is not None:
        return _plans_for(overrides.patch, spacing, overrides)
    plans = _plans_for(_initial_patch(spacing, median_shape), spacing, overrides)
    while SMALLEST_BATCH * activations(plans) > _affordable_activations(overrides):
        plans = _plans_for(_smaller_patch(plans, median_shape, overrides), spacing, overrides)
    return plans


def _initial_patch(spacing: Spacing, median_shape: Table) -> Pair:
    """Patch of the largest area, square in millimetres, and no larger than the median image."""
    resolution = 1 / np.array(spacing)
    largest = np.round(resolution * np.sqrt(LARGEST_PATCH / resolution.prod()))
    # rounded up, because the median of an even number of images may end in 0.5
    rows, columns = np.ceil(np.minimum(largest, median_shape))
    return max(int(rows), SMALLEST_PATCH), max(int(columns), SMALLEST_PATCH)


def _plans_for(patch: Pair, spacing: Spacing, overrides: PlanOverrides) -> Plans:
    topology = choose_topology(spacing, patch, overrides.stage_count)
    if overrides.strides is not None:
        topology = Topology(topology.kernels, overrides.strides)
    widths = (overrides.base_filters * 2**stage for stage in range(len(topology.strides)))
    filters = overrides.filters or tuple(min(width, overrides.maximum_filters) for width in widths)
    values = {
        "spacing": spacing,
        "patch": topology.padded(patch),
        "batch_size": SMALLEST_BATCH,
        "filters": filters,
        "kernels": overrides.kernels or topology.kernels,
        "strides": topology.strides,
        # nnU-Net gives the lowest of its stages - 1 resolutions a weight of 0
        "deep_supervision_heads": overrides.deep_supervision_heads or max(1, len(filters) - 2),
    }
    return parse_parameters(Plans, values, "plans")


def _smaller_patch(plans: Plans, median_shape: Table, overrides: PlanOverrides) -> Pair:
    """Reduce, by one step, the side that is largest relative to the median image."""
    sides = list(plans.patch)
    axis = int(np.argsort(np.array(sides) / median_shape)[-1])
    sides[axis] -= plans.reduction[axis]
    # a smaller side may be halved less often, and then a smaller step is enough
    step = choose_topology(plans.spacing, (sides[0], sides[1]), overrides.stage_count).reduction[axis]
    sides[axis] = plans.patch[axis] - step
    if min(sides) < SMALLEST_PATCH:
        raise InvalidParameterError(
            "plans.memory_gb",
            overrides.memory_gb,
            f"memory for {SMALLEST_BATCH} patches of {SMALLEST_PATCH} pixels a side",
            "increase it, or lower plans.base_filters",
        )
    return sides[0], sides[1]


def _batch_size(plans: Plans, median_shape: Table, scans: int, overrides: PlanOverrides) -> int:
    fits_memory = round(_affordable_activations(overrides) / activations(plans))
    covers_share = round(float(median_shape.prod()) * scans * LARGEST_SHARE_OF_DATA / prod(plans.patch))
    return max(SMALLEST_BATCH, min(fits_memory, covers_share))


def _affordable_activations(overrides: PlanOverrides) -> float:
    """Most activations of a whole batch for the given memory."""
    return REFERENCE_ACTIVATIONS * REFERENCE_BATCH * overrides.memory_gb / REFERENCE_MEMORY_GB
