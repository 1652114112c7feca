"""Every scan of a cohort, read once and checked, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.cohort import Cohort
from faircmr.core.parallel import in_order
from faircmr.core.scan import Scan, nonzero_box

GRID = ("slices", "rows", "columns", "spacing_slice", "spacing_row", "spacing_column")
CROPPED = ("cropped_slices", "cropped_rows", "cropped_columns")
FOREGROUND = (
    "foreground_mean",
    "foreground_sd",
    "foreground_percentile_00_5",
    "foreground_median",
    "foreground_percentile_99_5",
)


class _Entry(NamedTuple):
    subject_id: str
    phase: str
    labelled: bool
    fingerprint: str


def index_scans(cohort: Cohort) -> pd.DataFrame:
    """Read and check every scan of the cohort.

    Args:
        cohort: Any cohort; ``cohort.readers`` scans are in memory at a time.

    Returns:
        One row a scan, in the order of ``cohort.scans``: ``subject_id``, ``phase``, ``labelled``,
        ``fingerprint``, ``slices``, ``rows``, ``columns``, ``spacing_slice``, ``spacing_row``,
        ``spacing_column`` in millimetres, the shape without a margin of zeros (``cropped_slices``,
        ...), and of the intensities inside the labelled structures mean, standard deviation, median
        and two percentiles (``foreground_mean``, ...), missing where there is no label.

    Raises:
        InvalidScanError: Some scan cannot be used; the first one is named by study key and phase.
    """

    def describe(entry: _Entry) -> dict[str, object]:
        return {**entry._asdict(), **_measures(cohort.read(entry.subject_id, Phase(entry.phase)))}

    entries = (
        _Entry(str(row.subject_id), str(row.phase), bool(row.labelled), str(row.fingerprint))
        for row in cohort.scans.itertuples(index=False)
    )
    return pd.DataFrame(in_order(describe, entries, cohort.readers))


def _measures(scan: Scan) -> Mapping[str, float]:
    cropped = scan.image[nonzero_box(scan.image)].shape
    sizes = dict(zip((*GRID, *CROPPED), (*scan.geometry.shape, *scan.geometry.spacing, *cropped), strict=True))
    return sizes | dict(zip(FOREGROUND, _foreground(scan), strict=True))


def _foreground(scan: Scan) -> tuple[float, ...]:
    """Mean, standard deviation, and percentiles 0.5, 50 and 99.5 of what the label marks."""
    if scan.label is None:
        return (float("nan"),) * len(FOREGROUND)
    intensities = scan.image[scan.label > 0]
    mean, deviation = intensities.mean(dtype=np.float64), intensities.std(dtype=np.float64)
    return float(mean), float(deviation), *map(float, np.percentile(intensities, (0.5, 50.0, 99.5)))
