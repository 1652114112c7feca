"""Label images made by hand, and hearts made at random."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from faircmr.core.scans import LabelImage, Structure

SHAPE = (6, 12, 12)
SPACING = (8.0, 1.5, 1.25)


def empty(shape: tuple[int, int, int] = SHAPE) -> LabelImage:
    return np.zeros(shape, np.uint8)


def block(*corners: slice, structure: Structure = Structure.LVBP, shape: tuple[int, int, int] = SHAPE) -> LabelImage:
    image = empty(shape)
    image[corners] = structure
    return image


def random_hearts(seed: int, shape: tuple[int, int, int] = (6, 24, 20)) -> tuple[LabelImage, LabelImage]:
    """Two images of ragged blobs of every structure that overlap in part; some touch the border of the image."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=(4, *shape))
    noise = [gaussian_filter(shared + rng.normal(size=(4, *shape)), (0, 1, 2, 2)) for _ in range(2)]
    first, second = (np.argmax(one, axis=0).astype(np.uint8) for one in noise)
    return first, second
