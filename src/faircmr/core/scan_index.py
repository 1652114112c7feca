"""Every scan of a cohort, read once and checked, as a table."""

from __future__ import annotations

import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.cohort import Cohort
from faircmr.core.scan import Scan


def index_scans(cohort: Cohort) -> pd.DataFrame:
    """Read and check every scan of the cohort.

    Args:
        cohort: Any cohort; one scan is in memory at a time.

    Returns:
        One row a scan, in the order of ``cohort.scans``: ``subject_id``, ``phase``, ``labelled``,
        ``fingerprint``, ``slices``, ``rows``, ``columns``, and ``spacing_slice``, ``spacing_row``,
        ``spacing_column`` in millimetres.

    Raises:
        InvalidScanError: Some scan cannot be used; the first one is named by study key and phase.
    """
    rows = [
        {
            "subject_id": entry.subject_id,
            "phase": str(entry.phase),
            "labelled": bool(entry.labelled),
            "fingerprint": entry.fingerprint,
            **_grid(cohort.read(str(entry.subject_id), Phase(str(entry.phase)))),
        }
        for entry in cohort.scans.itertuples(index=False)
    ]
    return pd.DataFrame(rows)


def _grid(scan: Scan) -> dict[str, float]:
    names = ("slices", "rows", "columns", "spacing_slice", "spacing_row", "spacing_column")
    return dict(zip(names, (*scan.geometry.shape, *scan.geometry.spacing), strict=True))
