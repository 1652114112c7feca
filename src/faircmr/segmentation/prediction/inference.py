"""Segmentation of scans with a trained network: sliding windows, mirroring, region of interest."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import ceil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from faircmr.core import InvalidCohortError
from faircmr.core.scans import LabelImage, Phase
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import Array, FloatArray, SubjectTensors, image_name, label_on_grid
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.network import Plans, classes_to_structures, load_network
from faircmr.segmentation.training import WEIGHTS_NAME, cpu_threads, device_of, forward_pass, reuse_freed_memory

Pair = tuple[int, int]
RELATIVE_SIGMA = 1 / 8
"""Standard deviation of the window weights, as a share of the window's side (as in nnU-Net)."""
SMALLEST_WEIGHT = 1e-3
"""Relative to the centre of a window; above 0, so that pixels in the corner of a single window have a weight."""


def sliding_window_logits(
    planes: Tensor, window: Pair, overlap: float, batch_size: int, classes: int, logits_of: Callable[[Tensor], Tensor]
) -> Tensor:
    """Predict slices in overlapping windows; windows of all slices share batches.

    Args:
        planes: Shape (slices, channels, rows, columns), no side shorter than the window.
        window: Rows and columns that the network sees.
        overlap: Minimum overlap of neighbouring windows, as a share of the window, 0..1 (1 excluded).
        batch_size: Windows in one forward pass.
        classes: Of the logits.
        logits_of: Maps windows (samples, channels, *window) to logits (samples, classes, *window).

    Returns:
        Weighted mean of the logits of all windows that contain a pixel, shape (slices, classes, rows, columns). Windows
        have Gaussian weights, highest at their centre.
    """
    rows, columns = (
        window_starts(size, length, overlap) for size, length in zip(planes.shape[-2:], window, strict=True)
    )
    regions = [(..., slice(top, top + window[0]), slice(left, left + window[1])) for top in rows for left in columns]
    windows = [(plane, region) for plane in range(len(planes)) for region in regions]
    weights = gaussian_weights(window).to(planes.device)
    total, norm = planes.new_zeros(len(planes), classes, *planes.shape[-2:]), planes.new_zeros(planes.shape[-2:])
    for first in range(0, len(windows), batch_size):
        batch = windows[first : first + batch_size]
        logits = logits_of(torch.stack([planes[plane][region] for plane, region in batch]))
        for (plane, region), weighted in zip(batch, logits * weights, strict=True):
            total[plane][region] += weighted
    for region in regions:
        norm[region] += weights
    return total / norm


def window_starts(size: int, window: int, overlap: float) -> tuple[int, ...]:
    """First pixel of each window along one axis: as few windows as the overlap permits, evenly spaced.

    Source:
        nnU-Net's ``compute_steps_for_sliding_window``.
    """
    room = size - window
    steps = ceil(room / (window * (1 - overlap)))
    return tuple(round(room / steps * step) for step in range(steps + 1)) if steps else (0,)


def gaussian_weights(window: Pair) -> Tensor:
    """Weight of each pixel of a window, 1 at the centre, shape ``window``."""
    rows, columns = (
        torch.exp(-0.5 * ((torch.arange(size) - (size - 1) / 2) / (RELATIVE_SIGMA * size)) ** 2) for size in window
    )
    return torch.outer(rows, columns).clamp(min=SMALLEST_WEIGHT)


MIRROR_AXES: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))


class Segmenter(ABC):
    """Predicts class probabilities and labels, with one network or several.

    Attributes:
        plans: Of the networks.
    """

    plans: Plans

    @abstractmethod
    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """Probability of each class in each pixel.

        Args:
            image: Preprocessed, shape (slices, rows, columns).
            box: Region to segment; everything outside is background with probability 1. By default
                the full image.

        Returns:
            Shape (classes, slices, rows, columns), sums to 1 over classes.
        """

    def label(self, image: Array, shape: tuple[int, int], box: Box | None = None) -> LabelImage:
        """Label of one preprocessed image on its source's grid.

        Args:
            image: Same as for :meth:`predict`.
            shape: Rows and columns of the source.
            box: Same as for :meth:`predict`.

        Returns:
            Values of structures and 0, uint8, shape (slices, *shape).
        """
        return classes_to_structures(label_on_grid(self.predict(image, box), shape), self.plans.structures)

    def segment(
        self, tensors: SubjectTensors, phase: Phase, shape: tuple[int, int], box: Box | None = None
    ) -> LabelImage:
        """Label of one scan of a subject on its source's grid.

        Args:
            tensors: Preprocessed subject.
            phase: Of the scan.
            shape: Rows and columns of the source.
            box: Same as for :meth:`predict`.

        Returns:
            Same as for :meth:`label`.

        Raises:
            InvalidCohortError: The subject has no image of this phase.
        """
        if phase not in tensors.phases:
            permitted = " or ".join(tensors.phases) or "a subject with images"
            raise InvalidCohortError(f"tensors of {tensors.subject_id}", f"no {phase} image", permitted)
        return self.label(tensors.arrays[image_name(phase)], shape, box)


class Predictor(Segmenter):
    """Segments with one trained network.

    Args:
        folder: Of the fit.
        inference: How to predict.

    Raises:
        InvalidModelError: The weights are missing, damaged or of another version.
    """

    def __init__(self, folder: Path, inference: InferenceParameters) -> None:
        reuse_freed_memory()
        self.inference = inference
        self.device = device_of(inference.device)
        network, self.plans = load_network(folder / WEIGHTS_NAME)
        self.network = network.to(self.device).eval()

    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """Same as for :class:`Segmenter`.

        The network sees only the box, in overlapping windows if it exceeds the patch. If the box is
        smaller than the patch, the network sees the patch around it. If the image is smaller than the patch,
        it is centred in the patch and padded with zeros.
        """
        region = box or Box.whole(image.shape[1:])
        with cpu_threads(self.inference.threads), torch.inference_mode():
            planes = torch.from_numpy(np.asarray(image, dtype=np.float32)).unsqueeze(1).to(self.device)
            inside: FloatArray = self._logits(planes, region).softmax(dim=1).transpose(0, 1).cpu().numpy()
        if region.shape == image.shape[1:]:
            return inside
        probabilities = np.zeros((self.plans.classes, *image.shape), dtype=np.float32)
        probabilities[0] = 1.0
        probabilities[..., *region.slices] = inside
        return probabilities

    def _logits(self, planes: Tensor, region: Box) -> Tensor:
        """Logits inside the region, shape (slices, classes, *region)."""
        spans = [
            _visible_span(*edges)
            for edges in zip(region.corner, region.shape, planes.shape[-2:], self.plans.patch, strict=True)
        ]
        visible = _cut_and_pad(planes, spans)
        inference, plans = self.inference, self.plans
        logits = sliding_window_logits(
            visible, plans.patch, inference.overlap, inference.batch_size, plans.classes, self._mirrored
        )
        top, left = (start - span[0] for start, span in zip(region.corner, spans, strict=True))
        return logits[..., top : top + region.shape[0], left : left + region.shape[1]]

    def _mirrored(self, window: Tensor) -> Tensor:
        """Logits, averaged over the mirror images if ``inference.mirroring`` is set."""
        mirrors = MIRROR_AXES if self.inference.mirroring else MIRROR_AXES[:1]
        return sum(
            (self._flipped_logits(window, axes) for axes in mirrors[1:]), start=self._flipped_logits(window, ())
        ) / len(mirrors)

    def _flipped_logits(self, window: Tensor, axes: tuple[int, ...]) -> Tensor:
        return forward_pass(self.network, window.flip(axes), self.inference.precision)[0].flip(axes)


def _visible_span(start: int, length: int, size: int, patch: int) -> tuple[int, int]:
    """First pixel that the network sees along one axis, and the one after the last.

    Args:
        start: Of the region.
        length: Of the region.
        size: Of the image.
        patch: Fewest pixels that the network sees.

    Returns:
        The region if it is at least as large as the patch. Otherwise the patch around it, shifted into the
        image; if the image is smaller than the patch, the patch around the image, beyond its edges.
    """
    visible = max(length, patch)
    centred = start - (visible - length) // 2
    first = min(max(centred, 0), size - visible) if size > visible else -((visible - size) // 2)
    return first, first + visible


def _cut_and_pad(planes: Tensor, spans: list[tuple[int, int]]) -> Tensor:
    """Cut slices to spans of pixels, padded with zeros outside of the image."""
    (top, bottom), (left, right) = spans
    rows, columns = planes.shape[-2:]
    inside = planes[..., max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    return pad(inside, (max(-left, 0), max(right - columns, 0), max(-top, 0), max(bottom - rows, 0)))
