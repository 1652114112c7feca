"""Every score of one predicted scan, as rows of the long score table."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
import pandas as pd

from faircmr.core.anatomy import Structure
from faircmr.core.mask_pairs import Spacing
from faircmr.core.scan import LabelImage
from faircmr.core.structures import ALL_STRUCTURES
from faircmr.fairness.dice import dice_score
from faircmr.fairness.metrics.label_pair import FloatArray, LabelPair
from faircmr.fairness.metrics.surface import surface_distances
from faircmr.fairness.metrics.volume import volume_pair


class Metric(StrEnum):
    """What the column ``metric`` of a score table names."""

    DSC = "dsc"
    """Dice similarity coefficient, 0..1; 0 for a structure missed or invented."""
    HD95 = "hd95"
    """95th percentile of the Hausdorff distance, mm; the image's diagonal for a structure missed or invented."""
    ASSD = "assd"
    """Average symmetric surface distance, mm; the diagonal as for ``hd95``."""
    VOLUME_ERROR = "volume_error"
    """Volume found less volume drawn, mL."""
    RELATIVE_VOLUME_ERROR = "relative_volume_error"
    """The same over the volume drawn; only where the structure was drawn."""
    VOLUME = "volume"
    """Volume found, mL; in every scan."""
    REFERENCE_VOLUME = "reference_volume"
    """Volume drawn, mL; in every scan."""
    MISSED = "missed"
    """1 or 0, where the structure was drawn: their sum counts the missed, their mean is the rate."""
    INVENTED = "invented"
    """1 or 0, where the structure was not drawn: their sum counts the invented, their mean is the rate."""


def score_scan(
    prediction: LabelImage,
    reference: LabelImage,
    spacing: Spacing,
    structures: Sequence[Structure] = ALL_STRUCTURES,
) -> pd.DataFrame:
    """Score structures of one predicted scan by every metric.

    Args:
        prediction: Predicted labels, values of ``Structure`` and 0, shape (slices, rows, columns).
        reference: Drawn labels on the same grid.
        spacing: Millimetres between slices, rows and columns.
        structures: Those of the study; of others nothing is said.

    Returns:
        Columns ``structure`` (``LVBP``), ``metric`` (values of :class:`Metric`) and ``value``, never NaN: what has
        no value has no row. A structure in neither image has no row of ``dsc``, ``hd95``, ``assd`` and of the two
        volume errors; one missed or invented has them all, with the worst score that there is.

    Raises:
        InvalidScoresError: As for :class:`~faircmr.fairness.metrics.label_pair.LabelPair`.
    """
    return score_pair(LabelPair(prediction, reference, spacing), structures)


def score_pair(pair: LabelPair, structures: Sequence[Structure] = ALL_STRUCTURES) -> pd.DataFrame:
    """Score a pair that has been checked already; same as :func:`score_scan`."""
    scores = _scores(pair, structures)
    names = [structure.name for structure in structures]
    table = pd.DataFrame(
        {
            "structure": np.repeat(names, len(scores)),
            "metric": np.tile([str(metric) for metric in scores], len(names)),
            "value": np.stack(list(scores.values()), axis=1).ravel(),
        }
    )
    return table.dropna(subset=["value"], ignore_index=True)


def _scores(pair: LabelPair, structures: Sequence[Structure]) -> dict[Metric, FloatArray]:
    distances, volumes = surface_distances(pair, structures), volume_pair(pair, structures)
    return {
        Metric.DSC: dice_score(*pair.heart, structures),
        Metric.HD95: distances.hd95,
        Metric.ASSD: distances.assd,
        Metric.VOLUME_ERROR: volumes.error,
        Metric.RELATIVE_VOLUME_ERROR: volumes.relative_error,
        Metric.VOLUME: volumes.predicted,
        Metric.REFERENCE_VOLUME: volumes.reference,
        Metric.MISSED: volumes.missed,
        Metric.INVENTED: volumes.invented,
    }
