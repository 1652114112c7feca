"""Segmenting a scan with a trained network."""

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
"""Width of the weights, as a share of the window's side (nnU-Net's)."""
SMALLEST_WEIGHT = 1e-3
"""Relative to the middle of a window: corners count where no other window has a say."""


def sliding_window_logits(
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
    rows, columns = (
        torch.exp(-0.5 * ((torch.arange(size) - (size - 1) / 2) / (RELATIVE_SIGMA * size)) ** 2) for size in window
    )
    return torch.outer(rows, columns).clamp(min=SMALLEST_WEIGHT)


MIRROR_AXES: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))


class Segmenter(ABC):
    """What gives probabilities of classes, and so labels: one network, or several together.

    Attributes:
        plans: Of the networks.
    """

    plans: Plans

    @abstractmethod
    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """Probability of each class in each pixel.

        Args:
            image: Preprocessed, shape (slices, rows, columns).
            box: Where to look; everything outside is background with probability 1. The full image
                where there is none.

        Returns:
            Shape (classes, slices, rows, columns), sums to 1 over classes.
        """

    def label(self, image: Array, shape: tuple[int, int], box: Box | None = None) -> LabelImage:
        """Label of one preprocessed image on its source's grid.

        Args:
            image: As for :meth:`predict`.
            shape: Rows and columns of the source.
            box: As for :meth:`predict`.

        Returns:
            Structures and 0, uint8, shape (slices, *shape).
        """
        return classes_to_structures(label_on_grid(self.predict(image, box), shape), self.plans.structures)

    def segment(
        self, tensors: SubjectTensors, phase: Phase, shape: tuple[int, int], box: Box | None = None
    ) -> LabelImage:
        """Label of one scan of a subject on its source's grid.

        Args:
            tensors: The subject.
            phase: Which scan.
            shape: Rows and columns of the source.
            box: As for :meth:`predict`.

        Returns:
            As :meth:`label`.

        Raises:
            InvalidCohortError: The subject has no image of this phase.
        """
        if phase not in tensors.phases:
            permitted = " or ".join(tensors.phases) or "a subject with images"
            raise InvalidCohortError(f"tensors of {tensors.subject_id}", f"no {phase} image", permitted)
        return self.label(tensors.arrays[image_name(phase)], shape, box)


class Predictor(Segmenter):
    """A trained network, ready to segment.

    Args:
        folder: The fit's folder.
        inference: How to predict.

    Raises:
        InvalidModelError: The folder's weights are missing, damaged or of another version.
    """

    def __init__(self, folder: Path, inference: InferenceParameters) -> None:
        reuse_freed_memory()
        self.inference = inference
        self.device = device_of(inference.device)
        network, self.plans = load_network(folder / WEIGHTS_NAME)
        self.network = network.to(self.device).eval()

    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """As for :class:`Segmenter`.

        The network sees the box alone, in overlapping windows where it exceeds the patch. Where it is
        smaller, it sees the patch around it: pixels of the image as far as there are any. An image that is
        smaller than the patch lies in its middle.
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
        """Logits in the region alone."""
        spans = [
            _visible_span(*edges)
            for edges in zip(region.corner, region.shape, planes.shape[-2:], self.plans.patch, strict=True)
        ]
        seen = _cut_and_pad(planes, spans)
        inference, plans = self.inference, self.plans
        logits = sliding_window_logits(
            seen, plans.patch, inference.overlap, inference.batch_size, plans.classes, self._mirrored
        )
        top, left = (start - span[0] for start, span in zip(region.corner, spans, strict=True))
        return logits[..., top : top + region.shape[0], left : left + region.shape[1]]

    def _mirrored(self, window: Tensor) -> Tensor:
        """Logits, averaged over the mirror images if so asked."""
        mirrors = MIRROR_AXES if self.inference.mirroring else MIRROR_AXES[:1]
        return sum((self._one(window, axes) for axes in mirrors[1:]), start=self._one(window, ())) / len(mirrors)

    def _one(self, window: Tensor, axes: tuple[int, ...]) -> Tensor:
        return forward_pass(self.network, window.flip(axes), self.inference.precision)[0].flip(axes)


def _visible_span(start: int, length: int, size: int, patch: int) -> tuple[int, int]:
    """First pixel that the network sees on one axis, and the one after the last.

    Args:
        start: Of the region.
        length: Of the region.
        size: Of the image.
        patch: What the network sees at least.

    Returns:
        The region where it is no smaller than the patch; otherwise the patch around it, shifted to
        lie inside the image; around the image, beyond its edges, where that is smaller than the patch.
    """
    seen = max(length, patch)
    around = start - (seen - length) // 2
    first = min(max(around, 0), size - seen) if size > seen else -((seen - size) // 2)
    return first, first + seen


def _cut_and_pad(planes: Tensor, spans: list[tuple[int, int]]) -> Tensor:
    """Part of slices between first and last pixel of each axis; zero where the image has none."""
    (top, bottom), (left, right) = spans
    rows, columns = planes.shape[-2:]
    part = planes[..., max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    return pad(part, (max(-left, 0), max(right - columns, 0), max(-top, 0), max(bottom - rows, 0)))
