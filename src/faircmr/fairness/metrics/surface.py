"""How far apart two surfaces lie, in millimetres: HD95 and ASSD of each structure.

One definition of many that are in use. The surface of a structure is its voxels that touch (with a face) a voxel that
is not of it; what lies beyond the image is not of it. The distance from one surface to the other is taken at every
such voxel, from centre to centre, to the nearest of the other surface. HD95 is the larger of the two directed 95th
percentiles (interpolated linearly), and not the percentile of both directions pooled. ASSD is the mean over the
voxels of both surfaces together, and not the mean of the two directed means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faircmr.core.anatomy import Structure
from faircmr.core.mask_pairs import Spacing
from faircmr.core.structures import ALL_STRUCTURES
from faircmr.fairness.metrics.label_pair import FloatArray, LabelPair, Mask

LEAF_SIZE = 32


@dataclass(frozen=True)
class SurfaceDistances:
    """Distances of each structure in millimetres, shape ``(structures,)``.

    Attributes:
        hd95: 95th percentile of the Hausdorff distance.
        assd: Average symmetric surface distance.
    """

    hd95: FloatArray
    assd: FloatArray


def surface_distances(pair: LabelPair, structures: Sequence[Structure] = ALL_STRUCTURES) -> SurfaceDistances:
    """HD95 and ASSD of each structure.

    Args:
        pair: Prediction and reference of one scan.
        structures: Structures to score.

    Returns:
        Millimetres, 0 for equal surfaces. A structure that only one of the two images holds (missed or invented)
        has the diagonal of the image for both, more than any structure that was found can have. One that neither
        holds has NaN, as its Dice: there was nothing to find and nothing was claimed.

    Source:
        Definitions as ``compute_hausdorff_distance(percentile=95)`` and
        ``compute_average_surface_distance(symmetric=True)`` of MONAI 1.6, whose values these are where both images
        hold the structure. Taha and Hanbury 2015 for the family; Reinke et al. 2024 for how its members differ.
    """
    distances = [_hd95_and_assd(*masks, pair) for masks in pair.masks(structures)]
    hd95, assd = np.array(distances, dtype=np.float64).reshape(-1, 2).T
    return SurfaceDistances(hd95, assd)


def _hd95_and_assd(predicted: Mask, drawn: Mask, pair: LabelPair) -> tuple[float, float]:
    held = int(predicted.any()) + int(drawn.any())
    if held < 2:
        only = (float("nan"), pair.diagonal)[held]
        return only, only
    surfaces = _surface(predicted), _surface(drawn)
    forward, backward = (_distances(*order, pair.spacing) for order in (surfaces, surfaces[::-1]))
    hd95 = max(np.quantile(forward, 0.95), np.quantile(backward, 0.95))
    return float(hd95), float(np.concatenate([forward, backward]).mean())


def _surface(mask: Mask) -> Mask:
    """Voxels with a face neighbour that is not of the structure.

    What ``scipy.ndimage.binary_erosion`` takes away, in a third of its time.
    """
    padded = np.pad(mask, 1)
    inside = mask.copy()
    for axis in range(mask.ndim):
        for step in (-1, 1):
            inside &= np.roll(padded, step, axis)[1:-1, 1:-1, 1:-1]
    return mask & ~inside


def _distances(surface: Mask, other: Mask, spacing: Spacing) -> FloatArray:
    """Millimetres from each voxel of a surface to the nearest of the other one, in no order."""
    from scipy.spatial import KDTree

    # voxels of both surfaces, which are most where a model is good, are 0 apart and need no search
    apart = np.argwhere(surface & ~other)
    tree = KDTree(np.argwhere(other) * spacing, leafsize=LEAF_SIZE, compact_nodes=False, balanced_tree=False)
    distances = np.zeros(np.count_nonzero(surface))
    distances[: len(apart)] = tree.query(apart * spacing)[0]
    return distances
