"""Every scan of a cohort, read once and checked, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.cohort import LOOK_UP, Cohort
from faircmr.core.errors import InvalidScanError
from faircmr.core.parallel import in_order
from faircmr.core.quarantine import COLUMNS
from faircmr.core.scan import Scan, nonzero_box
from faircmr.core.structures import structures_shown

GRID = ("slices", "rows", "columns", "spacing_slice", "spacing_row", "spacing_column")
HEADER = ("unit", "label_grid")
CROPPED = ("cropped_slices", "cropped_rows", "cropped_columns")
FOREGROUND = (
    "foreground_mean",
    "foreground_sd",
    "foreground_percentile_00_5",
    "foreground_median",
    "foreground_percentile_99_5",
)


class ScanIndex(NamedTuple):
    """Every scan of a cohort.

    Attributes:
        scans: One row a scan that can be used, in the order of ``cohort.scans``: ``subject_id``, ``phase``,
            ``labelled``, ``fingerprint``, ``structures`` (names of those that the label shows), ``slices``, ``rows``,
            ``columns``, ``spacing_slice``, ``spacing_row``, ``spacing_column`` in millimetres, ``unit`` (of the
            header), ``label_grid`` (how the label was stored, see :class:`~faircmr.core.scan.Scan`), the shape without
            a margin of zeros (``cropped_slices``, ...), and of the intensities inside the labelled structures mean,
            standard deviation, median and two percentiles (``foreground_mean``, ...), missing where there is no label.
        problems: One row a scan that cannot be used: ``subject_id``, ``phase``, ``reason``.
    """

    scans: pd.DataFrame
    problems: pd.DataFrame


class _Entry(NamedTuple):
    subject_id: str
    phase: str
    labelled: bool
    fingerprint: str


def index_scans(cohort: Cohort) -> ScanIndex:
    """Read and check every scan of the cohort.

    Args:
        cohort: Any cohort; ``cohort.readers`` scans are in memory at a time.

    Returns:
        What can be used and what cannot, each with its reason.
    """

    def describe(entry: _Entry) -> dict[str, object]:
        try:
            scan = cohort.read(entry.subject_id, Phase(entry.phase))
        except InvalidScanError as error:
            return {"subject_id": entry.subject_id, "phase": entry.phase, "reason": error.reason(LOOK_UP)}
        return {**entry._asdict(), **_measures(scan)}

    entries = (
        _Entry(str(row.subject_id), str(row.phase), bool(row.labelled), str(row.fingerprint))
        for row in cohort.scans.itertuples(index=False)
    )
    rows = list(in_order(describe, entries, cohort.readers))
    measured = [*_Entry._fields, "structures", *GRID, *HEADER, *CROPPED, *FOREGROUND]
    return ScanIndex(
        scans=pd.DataFrame([row for row in rows if "reason" not in row], columns=measured),
        problems=pd.DataFrame([row for row in rows if "reason" in row], columns=[*COLUMNS]),
    )


def _measures(scan: Scan) -> Mapping[str, str | float]:
    cropped = scan.image[nonzero_box(scan.image)].shape
    sizes = dict(zip((*GRID, *CROPPED), (*scan.geometry.shape, *scan.geometry.spacing, *cropped), strict=True))
    foreground = dict(zip(FOREGROUND, _foreground(scan), strict=True))
    header = dict(zip(HEADER, (scan.geometry.unit, scan.label_grid), strict=True))
    return {"structures": structures_shown(scan.label), **sizes, **header, **foreground}


def _foreground(scan: Scan) -> tuple[float, ...]:
    """Mean, standard deviation, and percentiles 0.5, 50 and 99.5 of what the label marks."""
    if scan.label is None:
        return (float("nan"),) * len(FOREGROUND)
    intensities = scan.image[scan.label > 0]
    mean, deviation = intensities.mean(dtype=np.float64), intensities.std(dtype=np.float64)
    return float(mean), float(deviation), *map(float, np.percentile(intensities, (0.5, 50.0, 99.5)))
