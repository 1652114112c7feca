"""Segmenting a scan with a trained network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError
from faircmr.core.scan import LabelImage
from faircmr.segmentation.devices import cpu_threads, device_of, keep_freed_memory
from faircmr.segmentation.models import WEIGHTS_NAME
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.resampling import FloatArray, resample_to_native
from faircmr.segmentation.tensors import Array, SubjectTensors, image_name
from faircmr.segmentation.weights import load_network

MIRRORS: tuple[tuple[int, ...], ...] = ((), (-1,), (-2,), (-2, -1))


class Predictor:
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

    def predict(self, image: Array) -> FloatArray:
        """Probability of each class in each pixel.

        Args:
            image: Preprocessed, shape (slices, rows, columns).

        Returns:
            Shape (classes, slices, rows, columns), sums to 1 over classes. Slices that exceed the
            patch are predicted in overlapping windows with Gaussian weights.
        """
        with cpu_threads(self.inference.threads), torch.inference_mode():
            planes = torch.from_numpy(np.asarray(image, dtype=np.float32)).unsqueeze(1).to(self.device)
            probabilities: FloatArray = self._logits(planes).softmax(dim=1).transpose(0, 1).cpu().numpy()
        return probabilities

    def segment(self, tensors: SubjectTensors, phase: Phase, shape: tuple[int, int]) -> LabelImage:
        """Label of one scan on its source's grid.

        Args:
            tensors: The subject.
            phase: Which scan.
            shape: Rows and columns of the source.

        Returns:
            Structures and 0, uint8, shape (slices, *shape).

        Raises:
            InvalidCohortError: The subject has no image of this phase.
        """
        if phase not in tensors.phases:
            permitted = " or ".join(tensors.phases) or "a subject with images"
            raise InvalidCohortError(f"tensors of {tensors.subject_id}", f"no {phase} image", permitted)
        probabilities = self.predict(tensors.arrays[image_name(phase)])
        return np.asarray(resample_to_native(probabilities, shape).argmax(axis=0), dtype=np.uint8)

    def _logits(self, planes: Tensor) -> Tensor:
        rows, columns = self.plans.patch
        if planes.shape[-2] <= rows and planes.shape[-1] <= columns:
            size = self.inference.batch_size
            return torch.cat(
                [self._in_one_window(planes[first : first + size]) for first in range(0, len(planes), size)]
            )
        from monai.inferers.utils import sliding_window_inference

        logits = sliding_window_inference(
            planes, (rows, columns), self.inference.batch_size, self._mirrored, self.inference.overlap, mode="gaussian"
        )
        # MONAI returns a dict or a tuple only where the network does
        return torch.as_tensor(logits)

    def _in_one_window(self, planes: Tensor) -> Tensor:
        """Logits of slices no larger than the patch, placed in its middle."""
        (rows, columns), (patch_rows, patch_columns) = planes.shape[-2:], self.plans.patch
        top, left = (patch_rows - rows) // 2, (patch_columns - columns) // 2
        window = planes.new_zeros(len(planes), planes.shape[1], patch_rows, patch_columns)
        window[..., top : top + rows, left : left + columns] = planes
        return self._mirrored(window)[..., top : top + rows, left : left + columns]

    def _mirrored(self, window: Tensor) -> Tensor:
        """Logits, averaged over the mirror images if so asked."""
        mirrors = MIRRORS if self.inference.mirroring else MIRRORS[:1]
        return sum((self._one(window, axes) for axes in mirrors[1:]), start=self._one(window, ())) / len(mirrors)

    def _one(self, window: Tensor, axes: tuple[int, ...]) -> Tensor:
        logits: Tensor = self.network(window.flip(axes))[0].flip(axes)
        return logits
