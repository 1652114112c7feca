"""Segmenting a scan with a trained network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError
from faircmr.core.scan import LabelImage
from faircmr.segmentation.classes import structures_in
from faircmr.segmentation.devices import cpu_threads, device_of, forward_pass, keep_freed_memory
from faircmr.segmentation.models import WEIGHTS_NAME
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.resampling import FloatArray, label_on_grid
from faircmr.segmentation.roi import Box
from faircmr.segmentation.sliding_windows import slide
from faircmr.segmentation.tensors import Array, SubjectTensors, image_name
from faircmr.segmentation.weights import load_network

MIRRORS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))


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
        return structures_in(label_on_grid(self.predict(image, box), shape), self.plans.structures)

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
        keep_freed_memory()
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
            _seen(*edges)
            for edges in zip(region.corner, region.shape, planes.shape[-2:], self.plans.patch, strict=True)
        ]
        seen = _padded(planes, spans)
        inference, plans = self.inference, self.plans
        logits = slide(seen, plans.patch, inference.overlap, inference.batch_size, plans.classes, self._mirrored)
        top, left = (start - span[0] for start, span in zip(region.corner, spans, strict=True))
        return logits[..., top : top + region.shape[0], left : left + region.shape[1]]

    def _mirrored(self, window: Tensor) -> Tensor:
        """Logits, averaged over the mirror images if so asked."""
        mirrors = MIRRORS if self.inference.mirroring else MIRRORS[:1]
        return sum((self._one(window, axes) for axes in mirrors[1:]), start=self._one(window, ())) / len(mirrors)

    def _one(self, window: Tensor, axes: tuple[int, ...]) -> Tensor:
        return forward_pass(self.network, window.flip(axes), self.inference.precision)[0].flip(axes)


def _seen(start: int, length: int, size: int, patch: int) -> tuple[int, int]:
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


def _padded(planes: Tensor, spans: list[tuple[int, int]]) -> Tensor:
    """Part of slices between first and last pixel of each axis; zero where the image has none."""
    (top, bottom), (left, right) = spans
    rows, columns = planes.shape[-2:]
    part = planes[..., max(top, 0) : min(bottom, rows), max(left, 0) : min(right, columns)]
    return pad(part, (max(-left, 0), max(right - columns, 0), max(-top, 0), max(bottom - rows, 0)))
