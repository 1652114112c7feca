"""The fingerprint of a data set: all that planning knows of it, in one readable file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from faircmr.core.errors import InvalidCohortError
from faircmr.core.parameters import Parameters
from faircmr.core.structures import ALL_STRUCTURES, Structures, structures_of_study

Count = Annotated[int, Field(ge=1)]
Millimetres = Annotated[float, Field(gt=0.0)]
Table = npt.NDArray[np.float64]

SHAPE = ["cropped_slices", "cropped_rows", "cropped_columns"]
SPACING = ["spacing_slice", "spacing_row", "spacing_column"]


class Grid(Parameters):
    """A grid that some scans share.

    Attributes:
        scans: How many they are.
        shape: Slices, rows and columns without a margin of zeros.
        spacing: Millimetres between slices, rows and columns.
    """

    scans: Count
    shape: tuple[Count, Count, Count]
    spacing: tuple[Millimetres, Millimetres, Millimetres]


class ForegroundIntensities(Parameters):
    """Intensities inside the labelled structures, of each scan by itself; medians over the labelled scans.

    MR intensities have no unit, so what is pooled over scans would describe the scanners. Planning
    does not use them: every scan is normalised by its own mean and standard deviation.

    Attributes:
        mean: Mean of a scan.
        sd: Standard deviation within a scan.
        percentile_00_5: Half a percent of a scan lies below.
        median: Median of a scan.
        percentile_99_5: Half a percent of a scan lies above.
    """

    mean: float
    sd: float
    percentile_00_5: float
    median: float
    percentile_99_5: float


class Fingerprint(Parameters):
    """What the scans that training may see are like.

    Attributes:
        size_after_cropping: Share of a scan that a margin of zeros leaves over, median, 0..1.
        foreground_intensities: ``None`` where no scan has a label.
        grids: Every grid that occurs, the most frequent first.
        structures: Those that are drawn at every phase; all that there are where no scan has a label.

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
    """Sum up the scans that training may see.

    Args:
        scans: One row a scan, with the columns of ``core.schemas.SCAN_TYPES``.

    Raises:
        InvalidCohortError: There are no scans, or no structure is drawn at every phase.
    """
    if scans.empty:
        raise InvalidCohortError("scans", "none", "at least one scan to plan for", "check the splits and the source")
    cropped = scans[SHAPE].prod(axis=1) / scans[["slices", "rows", "columns"]].prod(axis=1)
    return Fingerprint(
        size_after_cropping=float(cropped.median()),
        foreground_intensities=_foreground(scans),
        grids=_grids(scans),
        structures=structures_of_study(scans),
    )


def _grids(scans: pd.DataFrame) -> tuple[Grid, ...]:
    # headers hold 32-bit floats: beyond six decimals lies nothing
    counts = scans.round(dict.fromkeys(SPACING, 6)).groupby([*SHAPE, *SPACING]).size().reset_index(name="scans")
    grids = [
        Grid(scans=scans, shape=(slices, rows, columns), spacing=spacing)
        for slices, rows, columns, *spacing, scans in counts.itertuples(index=False)
    ]
    return tuple(sorted(grids, key=lambda grid: (-grid.scans, grid.shape, grid.spacing)))


def _foreground(scans: pd.DataFrame) -> ForegroundIntensities | None:
    names = ForegroundIntensities.model_fields
    medians = scans[[f"foreground_{name}" for name in names]].dropna().median()
    if medians.isna().any():
        return None
    return ForegroundIntensities(**dict(zip(names, medians.round(4).tolist(), strict=True)))
