"""Localiser: a small network that finds the heart of each subject at low resolution."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from faircmr.core import InvalidModelError, log_omissions
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import SubjectTensors, TensorStore, coarse_subject, image_name
from faircmr.segmentation.localiser.parameters import LocaliserParameters, spacing_ratio
from faircmr.segmentation.localiser.roi import (
    Box,
    HeartLocation,
    Pair,
    enclosing_box,
    enlarge_box,
    heart_box,
    rejection_reason,
    roi_table,
    scale_box,
    unlocated_hearts,
)
from faircmr.segmentation.network import Plans
from faircmr.segmentation.prediction import Segmenter, load_ensemble
from faircmr.segmentation.training import FitRecord, TrainedModels

DIFFERENT_SIZES = "phases of different size"
RETRAIN = "delete 05_model_input/localiser and run the strategy's pipeline again"
logger = logging.getLogger(__name__)


def locate_hearts(
    models: TrainedModels,
    tensors: TensorStore,
    subjects: Callable[[FitRecord], Sequence[str]],
    plans: Plans,
    localiser: LocaliserParameters,
    inference: InferenceParameters,
) -> pd.DataFrame:
    """Heart region of every subject, by every localiser.

    Args:
        models: Localisers, one a fold; none where the study uses full images.
        tensors: Preprocessed subjects, full images.
        subjects: Study keys of the subjects that a localiser is applied to.
        plans: Of the study.
        localiser: Margin and limits.
        inference: Device, threads and precision.

    Returns:
        Table of :func:`~faircmr.segmentation.localiser.roi_table`. A subject whose heart was not found, or
        whose region was rejected, has no region: its full image is used, and the log counts it.

    Raises:
        InvalidModelError: Weights are missing, damaged or of another version.
        InvalidCohortError: A subject was not preprocessed.
    """
    rows = []
    for record in models.fits:
        finder = load_heart_finder(models, record, plans, localiser, inference)
        locations = [finder.locate(tensors.subject(subject_id)) for subject_id in subjects(record)]
        _warn_whole_images(locations)
        rows += [(record.fold, one) for one in locations]
    table = roi_table(rows)
    log_omissions(logger, unlocated_hearts(table))
    return table


def load_heart_finder(
    models: TrainedModels,
    record: FitRecord,
    plans: Plans,
    localiser: LocaliserParameters,
    inference: InferenceParameters,
) -> HeartFinder:
    """Load a localiser, if its folder still contains the training of its record.

    Raises:
        InvalidModelError: Weights are missing, damaged, of another training or for another grid; names
            the differences.
    """
    return HeartFinder(load_ensemble(models, (record,), inference), plans, localiser)


class HeartFinder:
    """Locates hearts with a trained localiser.

    Args:
        segmenter: With the localiser's weights; its plans determine the resolution of its input.
        plans: Of the study; a region is at least as large as their patch if the image permits.
        localiser: Margin and limits.

    Raises:
        InvalidModelError: The localiser was trained for tensors of another spacing.
    """

    def __init__(self, segmenter: Segmenter, plans: Plans, localiser: LocaliserParameters) -> None:
        self.segmenter, self.plans, self.localiser = segmenter, plans, localiser
        try:
            self.reduction = spacing_ratio(segmenter.plans.spacing, plans.spacing)
        except ValueError as error:
            raise InvalidModelError("localiser", error, "one that was trained on these tensors", RETRAIN) from error

    def locate(self, subject: SubjectTensors) -> HeartLocation:
        """Find the region that contains the heart of a subject at all phases."""
        shapes = [subject.arrays[image_name(phase)].shape[1:] for phase in subject.phases]
        if len(set(shapes)) > 1:
            return HeartLocation(subject.subject_id, None, DIFFERENT_SIZES)
        boxes = []
        for box, reason in self._by_phase(subject):
            if box is None or reason:
                return HeartLocation(subject.subject_id, None, reason)
            boxes.append(box)
        heart = enclosing_box(boxes)
        region = self._region(heart, shapes[0])
        whole = region.shape == tuple(shapes[0])
        return HeartLocation(subject.subject_id, region, "", scale_box(heart, self.reduction), whole)

    def _by_phase(self, subject: SubjectTensors) -> Iterator[tuple[Box | None, str]]:
        coarse = coarse_subject(subject, self.reduction)
        for phase in subject.phases:
            image = coarse.arrays[image_name(phase)]
            box = heart_box(self.segmenter.predict(image).argmax(axis=0) > 0)
            spacing = (self.plans.spacing[0] * self.reduction, self.plans.spacing[1] * self.reduction)
            yield box, rejection_reason(box, image.shape[1:], spacing, self.localiser.limits, self.plans.structures)

    def _region(self, box: Box, shape: Pair) -> Box:
        rows, columns = (round(self.localiser.margin / each) for each in self.plans.spacing)
        return enlarge_box(box, self.reduction, (rows, columns), self.plans.patch, shape)


def _warn_whole_images(locations: Sequence[HeartLocation]) -> None:
    """Log for how many subjects the region is the whole image."""
    if whole := sum(one.whole for one in locations):
        message = "the heart region is the whole image for %d of %d subjects: plans.patch is at least as large"
        logger.warning(message, whole, len(locations))
