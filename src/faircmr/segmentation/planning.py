"""Plans from the fingerprint of a data set, by nnU-Net's rules for its 2-D configuration.

Source:
    Isensee et al. 2021; nnU-Net v2.8 ``ExperimentPlanner``.
"""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidParameterError
from faircmr.core.validation import validated
from faircmr.segmentation.fingerprint import Fingerprint
from faircmr.segmentation.plans import SMALLEST_PATCH, PlanOverrides, Plans
from faircmr.segmentation.topology import Pair, Spacing, Topology, activations, choose_topology

Table = npt.NDArray[np.float64]

LARGEST_PATCH = 2048**2
# one training step of batch 12 with this many activations a sample takes 8 GB
REFERENCE_ACTIVATIONS, REFERENCE_BATCH, REFERENCE_MEMORY_GB = 85_000_000, 12, 8.0
SMALLEST_BATCH = 2
LARGEST_SHARE_OF_DATA = 0.05
ANISOTROPIC = 3.0


def plan(fingerprint: Fingerprint, overrides: PlanOverrides) -> Plans:
    """Decide grid, patch, batch size, network and structures for a data set.

    Args:
        fingerprint: Of the scans that training may see.
        overrides: Values that are fixed beforehand.

    Returns:
        Median spacing; a patch that holds the median image, or as much of it as the memory holds
        twice; halved while a feature map keeps 4 pixels a side; filters doubled from stage to stage;
        the batch that fits the memory, unless it covers more than 5 % of the data.

    Raises:
        InvalidParameterError: The overrides do not describe a network, or the memory holds none.
    """
    shapes, spacings = fingerprint.shapes, fingerprint.spacings
    target = _target_spacing(shapes, spacings, overrides)
    median_shape = np.median(np.round(shapes * spacings / target), axis=0)
    spacing = (round(float(target[1]), 6), round(float(target[2]), 6))
    plans = _plans(spacing, median_shape[1:], overrides)
    batch_size = overrides.batch_size or _batch_size(plans, median_shape, len(shapes), overrides)
    # memory is planned as for all structures: one map more or less of a hundred
    return plans.model_copy(update={"batch_size": batch_size, "structures": fingerprint.structures})


def _target_spacing(shapes: Table, spacings: Table, overrides: PlanOverrides) -> Table:
    """Median spacing; between slices the 10th percentile where they are far apart, as nnU-Net."""
    target, shape = np.median(spacings, axis=0), np.median(shapes, axis=0)
    if overrides.spacing is not None:
        target[1:] = overrides.spacing
    if target[0] > ANISOTROPIC * target[1:].max() and shape[0] * ANISOTROPIC < shape[1:].min():
        target[0] = max(np.percentile(spacings[:, 0], 10), target[1:].max() + 1e-5)
    return target


def _plans(spacing: Spacing, median_shape: Table, overrides: PlanOverrides) -> Plans:
    """Plans with the smallest batch; a patch of which the memory does not hold it is made smaller."""
    if overrides.patch is not None:
        return _plans_for(overrides.patch, spacing, overrides)
    plans = _plans_for(_initial_patch(spacing, median_shape), spacing, overrides)
    while SMALLEST_BATCH * activations(plans) > _affordable(overrides):
        plans = _plans_for(_smaller_patch(plans, median_shape, overrides), spacing, overrides)
    return plans


def _initial_patch(spacing: Spacing, median_shape: Table) -> Pair:
    """Patch of the largest area, square in millimetres, and no larger than the median image."""
    resolution = 1 / np.array(spacing)
    largest = np.round(resolution * np.sqrt(LARGEST_PATCH / resolution.prod()))
    # a median of an even number of images may end in a half: the patch holds that half too
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
        # nnU-Net gives the lowest of its stages - 1 resolutions no weight
        "deep_supervision_heads": overrides.deep_supervision_heads or max(1, len(filters) - 2),
    }
    return validated(Plans, values, "plans")


def _smaller_patch(plans: Plans, median_shape: Table, overrides: PlanOverrides) -> Pair:
    """One step less of the side that shows most of the median image."""
    sides = list(plans.patch)
    axis = int(np.argsort(np.array(sides) / median_shape)[-1])
    sides[axis] -= plans.reduction[axis]
    # what is a little smaller may be halved less often, and then the steps are smaller too
    step = choose_topology(plans.spacing, (sides[0], sides[1]), overrides.stage_count).reduction[axis]
    sides[axis] = plans.patch[axis] - step
    if min(sides) < SMALLEST_PATCH:
        raise InvalidParameterError(
            "plans.memory_gb",
            overrides.memory_gb,
            f"memory for {SMALLEST_BATCH} patches of {SMALLEST_PATCH} pixels a side",
            "give it more, or set fewer plans.base_filters",
        )
    return sides[0], sides[1]


def _batch_size(plans: Plans, median_shape: Table, scans: int, overrides: PlanOverrides) -> int:
    fits_memory = round(_affordable(overrides) / activations(plans))
    covers_share = round(float(median_shape.prod()) * scans * LARGEST_SHARE_OF_DATA / prod(plans.patch))
    return max(SMALLEST_BATCH, min(fits_memory, covers_share))


def _affordable(overrides: PlanOverrides) -> float:
    """Activations of a whole batch that the memory holds."""
    return REFERENCE_ACTIVATIONS * REFERENCE_BATCH * overrides.memory_gb / REFERENCE_MEMORY_GB
