"""Hearts as in short-axis slices: a blood pool in its wall, and a right ventricle next to it."""

from __future__ import annotations

import numpy as np

from faircmr.core.scans import LabelImage, Phase, Structure

SHAPE = (6, 40, 48)


def drawn_heart(seed: int, phase: Phase = Phase.ED) -> LabelImage:
    """A label image of nobody, shape (slices, rows, columns), off the centre."""
    rng = np.random.default_rng(seed)
    rows, columns = np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[2]), indexing="ij")
    inner = (6.0 if phase is Phase.ED else 4.0) + rng.uniform(-0.5, 0.5)
    label = np.zeros(SHAPE, np.uint8)
    for place in range(1, SHAPE[0] - 1):
        scale = 1.0 - 0.12 * place
        from_pool = np.hypot(columns - 18, rows - 16)
        label[place][np.hypot(columns - 29, rows - 15) < 5.0 * scale] = Structure.RVBP
        label[place][from_pool < (inner + 3.0) * scale + 1.0] = Structure.LVM
        label[place][from_pool < inner * scale] = Structure.LVBP
    return label
