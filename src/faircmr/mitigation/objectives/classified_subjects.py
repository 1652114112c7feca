"""Predictions of the classifier of fair meta-learning for the test subjects of a strategy."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from faircmr.core import InvalidModelError, log_omissions
from faircmr.core.scans import Phase
from faircmr.core.study import TEST
from faircmr.mitigation import unclassified
from faircmr.mitigation.objectives.meta_learning import (
    ClassifierPlans,
    GroupClassifier,
    build_classifier,
    classifier_state,
)
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import Array, SubjectTensors, TensorStore, crop_or_pad, image_name
from faircmr.segmentation.localiser import Box, rois_of
from faircmr.segmentation.network import REMEDY, load_tensors
from faircmr.segmentation.prediction import Predictor
from faircmr.segmentation.training import JOB_NAME, OBJECTIVE_NAME, FitJob, FitRecord, TrainedModels, cpu_threads

LogProbabilities = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FitClassifier:
    """The two networks of one fit of fair meta-learning.

    Attributes:
        predictor: The segmentation network.
        classifier: Predicts the protected group from image and segmentation.
    """

    predictor: Predictor
    classifier: GroupClassifier

    @property
    def groups(self) -> tuple[str, ...]:
        """Protected groups in the order of the classifier's outputs."""
        return self.classifier.plans.groups

    def of_slices(self, image: Array, box: Box | None) -> LogProbabilities:
        """Log-probability of each group for each slice, shape (slices, groups).

        Both networks see one patch of the size used in training, at the centre of the region.

        Args:
            image: Preprocessed, shape (slices, rows, columns).
            box: The heart's region, or ``None`` for the full image.
        """
        region, patch = box or Box.whole(image.shape[1:]), self.predictor.plans.patch
        corner = tuple(
            start + (size - length) // 2 for start, size, length in zip(region.corner, region.shape, patch, strict=True)
        )
        planes = np.stack([crop_or_pad(plane.astype(np.float32), (corner[0], corner[1]), patch) for plane in image])
        with cpu_threads(self.predictor.inference.threads), torch.inference_mode():
            patches = torch.from_numpy(planes).unsqueeze(1).to(self.predictor.device)
            logits: Tensor = self.predictor.network(patches)[0]
            log_probabilities = self.classifier.log_probabilities(patches, logits)
        return log_probabilities.double().cpu().numpy()


def load_fit_classifier(models: TrainedModels, fit: FitRecord, inference: InferenceParameters) -> FitClassifier:
    """Load the networks of one fit of fair meta-learning.

    Raises:
        InvalidModelError: The fit was trained without a classifier, or its files are missing or damaged.
    """
    folder = models.folder / fit.name
    objective = FitJob.read(folder / JOB_NAME).objective
    predictor = Predictor(folder, inference)
    state = classifier_state(load_tensors(folder / OBJECTIVE_NAME)[0]) if fit.objective else {}
    if not state:
        raise InvalidModelError(fit.name, "no classifier of protected groups", "a fit of fair meta-learning", REMEDY)
    known = {name: value for name, value in objective.parameters.items() if name in ClassifierPlans.model_fields}
    plans = ClassifierPlans(**known, channels=predictor.plans.channels, classes=predictor.plans.classes)
    return FitClassifier(predictor, build_classifier(plans, state).to(predictor.device))


@dataclass(frozen=True)
class Posterior:
    """Probability of each protected group for a subject whose group has no model of its own.

    Attributes:
        models: Of a strategy with a classifier.
        inference: How to predict.
    """

    models: TrainedModels
    inference: InferenceParameters

    def __call__(self, fits: Sequence[FitRecord], subject: SubjectTensors, box: Box | None) -> Mapping[str, float]:
        """The mean log-probability over fits, phases and slices, as probabilities.

        Args:
            fits: Fits whose classifiers to use.
            subject: Preprocessed.
            box: The heart's region, or ``None`` for the full image.

        Returns:
            A probability for each group; they sum to 1.
        """
        classifiers = [self._classifiers[fit.name] for fit in fits]
        by_slice = [rows for one in classifiers for _, rows in phase_log_probabilities(one, subject, box)]
        mean = np.concatenate(by_slice).mean(axis=0)
        weights = np.exp(mean - mean.max())
        return dict(zip(classifiers[0].groups, (weights / weights.sum()).tolist(), strict=True))

    @cached_property
    def _classifiers(self) -> dict[str, FitClassifier]:
        return {fit.name: load_fit_classifier(self.models, fit, self.inference) for fit in self.models.common}


def phase_log_probabilities(
    classifier: FitClassifier, subject: SubjectTensors, box: Box | None
) -> Iterator[tuple[Phase, LogProbabilities]]:
    """Yield the log-probabilities of all slices for each phase of a subject."""
    for phase in subject.phases:
        yield phase, classifier.of_slices(subject.arrays[image_name(phase)], box)


logger = logging.getLogger(__name__)


def classify_subjects(
    models: TrainedModels,
    tensors: TensorStore,
    cohort: pd.DataFrame,
    subjects: pd.DataFrame,
    inference: InferenceParameters,
) -> pd.DataFrame:
    """Classify the test subjects of a strategy with the classifiers of all its fits.

    Args:
        models: Of a strategy with classifiers.
        tensors: Preprocessed subjects.
        cohort: Prediction cohort: ``subject_id``, ``split``, the edges of the heart's region, and, with
            cross-validation, ``fold``.
        subjects: ``subject_id`` and ``protected_group``, the true group.
        inference: How to predict.

    Returns:
        One row for each seed, fold and slice: ``seed``, ``fold``, ``subject_id``, ``protected_group``, ``phase``,
        ``slice_index`` and ``log_probability_<group>`` for each group of the classifier. Subjects of other
        groups are left out; the log counts them.

    Raises:
        InvalidModelError: A fit was trained without a classifier, or its files are missing or damaged.
        InvalidCohortError: A subject was not preprocessed.
    """
    tested = cohort[cohort["split"] == TEST].merge(
        subjects[["subject_id", "protected_group"]], on="subject_id", validate="many_to_one"
    )
    parts = [part for fit in models.common for part in _classify_with_fit(models, fit, tensors, tested, inference)]
    return pd.concat(parts, ignore_index=True)


def _classify_with_fit(
    models: TrainedModels, fit: FitRecord, tensors: TensorStore, tested: pd.DataFrame, inference: InferenceParameters
) -> Iterator[pd.DataFrame]:
    classifier, boxes = load_fit_classifier(models, fit, inference), rois_of(tested, fit.fold)
    in_fold = tested if fit.fold is None else tested[tested["fold"] == fit.fold]
    known = in_fold[in_fold["protected_group"].isin(classifier.groups)]
    log_omissions(logger, unclassified(len(in_fold) - len(known), len(in_fold)))
    for subject_id, group in zip(known["subject_id"], known["protected_group"], strict=True):
        keys = {"seed": fit.seed, "fold": fit.fold, "subject_id": subject_id, "protected_group": group}
        yield from _subject_rows(classifier, tensors, keys, boxes)


def _subject_rows(
    classifier: FitClassifier, tensors: TensorStore, keys: dict[str, object], boxes: dict[str, Box]
) -> Iterator[pd.DataFrame]:
    subject_id = str(keys["subject_id"])
    for phase, log_probabilities in phase_log_probabilities(
        classifier, tensors.subject(subject_id), boxes.get(subject_id)
    ):
        rows = pd.DataFrame(log_probabilities, columns=[f"log_probability_{name}" for name in classifier.groups])
        key_columns = pd.DataFrame({**keys, "phase": str(phase), "slice_index": range(len(rows))})
        yield pd.concat([key_columns.astype({"fold": "Int64"}), rows], axis="columns")
