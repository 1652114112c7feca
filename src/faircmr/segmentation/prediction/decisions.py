"""Choice of post-processing and calibration on validation subjects, before any test subject is predicted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from faircmr.core.scans import Phase, Scan, Structure
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import SubjectTensors, TensorStore, image_name, label_name
from faircmr.segmentation.prediction.calibration import (
    Calibration,
    FoldCalibration,
    PixelsOfSubject,
    fit_key_adjustments,
    informative_pixels,
)
from faircmr.segmentation.prediction.ensembles import NO_CALIBRATION, Router
from faircmr.segmentation.prediction.postprocessing import FoldDecision, LabelPair, Postprocessing, decide_by_structure
from faircmr.segmentation.prediction.trained_strategy import PredictionTargets, group_ensembles
from faircmr.segmentation.training import TrainedModels

ReadScan = Callable[[str, Phase], Scan]

logger = logging.getLogger(__name__)


def choose_postprocessing(
    models: TrainedModels,
    tensors: TensorStore,
    validated: PredictionTargets,
    read: ReadScan,
    structures: Sequence[Structure],
    inference: InferenceParameters,
    calibrate: int | None = None,
) -> Postprocessing:
    """Choose post-processing, and fit the calibration, on validation scans.

    Each fold is decided separately, because its validation subjects are test subjects of another fold.

    Args:
        models: Fits of one strategy.
        tensors: Preprocessed subjects.
        validated: The validation subjects.
        read: Scan of a subject and phase; its label is compared on the source's grid.
        structures: Of the study.
        inference: How to predict.
        calibrate: Fewest labelled subjects of a key for its calibration; ``None`` means no calibration.

    Returns:
        The decisions of each fold, based on all its models together; empty if none were requested.

    Raises:
        InvalidModelError: Weights are missing, damaged, of another version or of another training.
        InvalidCohortError: A subject was not preprocessed.
        InvalidScanError: A validation scan cannot be read.
    """
    folds = tuple(dict.fromkeys(fit.fold for fit in models.fits))
    validators = [FoldValidator(models, tensors, validated, inference, fold) for fold in folds]
    calibrated = () if calibrate is None else tuple(one.calibrate(calibrate) for one in validators)
    calibration = Calibration(folds=calibrated)
    method = inference.postprocessing
    decisions = () if method == "none" else tuple(one.decide(read, structures, calibration) for one in validators)
    return Postprocessing(method=method, folds=decisions, calibration=calibration)


@dataclass(frozen=True)
class FoldValidator:
    """Predicts the validation subjects of one fold, and decides on post-processing and calibration by the results."""

    models: TrainedModels
    tensors: TensorStore
    validated: PredictionTargets
    inference: InferenceParameters
    fold: int | None

    def calibrate(self, min_subjects: int) -> FoldCalibration:
        """Fit the adjustment of the probabilities of each key."""
        routers = self._routers(NO_CALIBRATION)
        adjustments = fit_key_adjustments(self._pixels(routers), min_subjects)
        calibration = FoldCalibration(fold=self.fold, adjustments=adjustments)
        logger.info("calibration%s: %s", self._fold_text, calibration.summary)
        return calibration

    def decide(self, read: ReadScan, structures: Sequence[Structure], calibration: Calibration) -> FoldDecision:
        """Decide for which structures to keep only the largest component."""
        pairs = (pair for router in self._routers(calibration.of(self.fold)) for pair in self._pairs(router, read))
        unlabelled = sum(len(subject.phases) - len(subject.labelled_phases) for subject in self._subjects())
        decision = decide_by_structure(self.fold, pairs, structures, unlabelled)
        logger.info("post-processing%s: %s", self._fold_text, decision.summary)
        return decision

    @property
    def _fold_text(self) -> str:
        return "" if self.fold is None else f" of fold {self.fold}"

    def _subjects(self) -> Iterator[SubjectTensors]:
        return (self.tensors.subject(subject_id) for subject_id in self.validated.subjects(self.fold))

    def _routers(self, calibration: FoldCalibration) -> list[Router]:
        routes, ensembles = self.validated.routes, group_ensembles(self.models.fits, self.inference)
        return [
            Router(self.models, members.fits, self.inference, routes, calibration)
            for members in ensembles
            if members.fold == self.fold
        ]

    def _pairs(self, router: Router, read: ReadScan) -> Iterator[LabelPair]:
        """Predicted and reference label of every labelled scan."""
        boxes = self.validated.rois(self.fold)
        for subject in self._subjects():
            box = boxes.get(subject.subject_id)
            segmenter, _ = router.of(subject, box)
            for phase in subject.labelled_phases:
                scan = read(subject.subject_id, phase)
                if scan.label is not None:
                    yield segmenter.segment(subject, phase, scan.geometry.shape[1:], box), scan.label

    def _pixels(self, routers: list[Router]) -> Iterator[PixelsOfSubject]:
        """Key and pixels of every labelled subject that has a key; all models contribute pixels."""
        boxes = self.validated.rois(self.fold)
        for subject in self._subjects():
            key, box = self.validated.routes.keys.get(subject.subject_id), boxes.get(subject.subject_id)
            if key is None or not subject.labelled_phases:
                continue
            segmenters = [router.of(subject, box)[0] for router in routers]
            pixels_and_labels = [
                informative_pixels(
                    segmenter.predict(subject.arrays[image_name(phase)], box), subject.arrays[label_name(phase)]
                )
                for segmenter in segmenters
                for phase in subject.labelled_phases
            ]
            pixels = np.concatenate([pixels for pixels, _ in pixels_and_labels])
            yield key, pixels, np.concatenate([labels for _, labels in pixels_and_labels])
