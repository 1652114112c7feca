"""Segmenters made of other segmenters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from faircmr.segmentation.calibration import KeyAdjustment, adjusted
from faircmr.segmentation.inference import Segmenter
from faircmr.segmentation.resampling import FloatArray
from faircmr.segmentation.roi import Box
from faircmr.segmentation.tensors import Array


class Blend(Segmenter):
    """The weighted mean of what several segmenters say.

    Args:
        segmenters: At least one, all of the same plans.
        weights: One each, adding up to 1.
    """

    def __init__(self, segmenters: Sequence[Segmenter], weights: Sequence[float]) -> None:
        self.segmenters, self.weights = tuple(segmenters), tuple(weights)
        self.plans = segmenters[0].plans

    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """As for :class:`~faircmr.segmentation.inference.Segmenter`."""
        parts = zip(self.weights, self.segmenters, strict=True)
        mean: FloatArray = np.add.reduce([np.float32(weight) * one.predict(image, box) for weight, one in parts])
        return mean


class Calibrated(Segmenter):
    """What a segmenter says, adjusted.

    Args:
        segmenter: Says it.
        adjustment: Of the subject's key.
    """

    def __init__(self, segmenter: Segmenter, adjustment: KeyAdjustment) -> None:
        self.segmenter, self.adjustment, self.plans = segmenter, adjustment, segmenter.plans

    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """As for :class:`~faircmr.segmentation.inference.Segmenter`."""
        return adjusted(self.segmenter.predict(image, box), self.adjustment)
