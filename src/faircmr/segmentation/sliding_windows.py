"""Windows of the network's size over slices that are larger, joined with Gaussian weights."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

import torch
from torch import Tensor

Pair = tuple[int, int]
SIGMA = 1 / 8
"""Width of the weights, as a share of the window's side (nnU-Net's)."""
SMALLEST_WEIGHT = 1e-3
"""Relative to the middle of a window: corners count where no other window has a say."""


def slide(
    planes: Tensor, window: Pair, overlap: float, batch_size: int, classes: int, logits_of: Callable[[Tensor], Tensor]
) -> Tensor:
    """Logits of slices, window by window; windows of all slices go together.

    Args:
        planes: Shape (slices, channels, rows, columns), no side shorter than the window.
        window: Rows and columns that the network sees.
        overlap: Share that neighbouring windows overlap at least, 0..1 (1 excluded).
        batch_size: Windows a forward pass.
        classes: Of the logits.
        logits_of: Windows (samples, channels, *window) to logits (samples, classes, *window).

    Returns:
        Mean of the logits of all windows that hold a pixel, weighted by their distance from it;
        shape (slices, classes, rows, columns).
    """
    rows, columns = (
        window_starts(size, length, overlap) for size, length in zip(planes.shape[-2:], window, strict=True)
    )
    parts = [(..., slice(top, top + window[0]), slice(left, left + window[1])) for top in rows for left in columns]
    places = [(plane, part) for plane in range(len(planes)) for part in parts]
    weights = gaussian_weights(window).to(planes.device)
    total, norm = planes.new_zeros(len(planes), classes, *planes.shape[-2:]), planes.new_zeros(planes.shape[-2:])
    for first in range(0, len(places), batch_size):
        group = places[first : first + batch_size]
        logits = logits_of(torch.stack([planes[plane][part] for plane, part in group]))
        for (plane, part), one in zip(group, logits * weights, strict=True):
            total[plane][part] += one
    for part in parts:
        norm[part] += weights
    return total / norm


def window_starts(size: int, window: int, overlap: float) -> tuple[int, ...]:
    """First pixel of each window on one axis: as few as the overlap permits, evenly spread.

    Source:
        nnU-Net's ``compute_steps_for_sliding_window``.
    """
    room = size - window
    steps = ceil(room / (window * (1 - overlap)))
    return tuple(round(room / steps * step) for step in range(steps + 1)) if steps else (0,)


def gaussian_weights(window: Pair) -> Tensor:
    """Weight of each pixel of a window, 1 in the middle, shape ``window``."""
    rows, columns = (torch.exp(-0.5 * ((torch.arange(size) - (size - 1) / 2) / (SIGMA * size)) ** 2) for size in window)
    return torch.outer(rows, columns).clamp(min=SMALLEST_WEIGHT)
