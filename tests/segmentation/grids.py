"""Tables of scans with the columns that planning needs."""

from __future__ import annotations

import pandas as pd

from faircmr.core.study import CROPPED, FOREGROUND, GRID


def scans_of(*grids: tuple[float, ...]) -> pd.DataFrame:
    """Scans without a margin of zeros, each given by slices, rows, columns and their spacing in millimetres."""
    table = pd.DataFrame(grids, columns=list(GRID))
    cropped = {name: table[name.removeprefix("cropped_")] for name in CROPPED}
    return table.assign(**cropped, phase="ED", structures="LVBP LVM RVBP", **dict.fromkeys(FOREGROUND, 100.0))
