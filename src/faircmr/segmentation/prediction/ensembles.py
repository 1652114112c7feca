"""Ensembles of networks, and routing of subjects to the networks that segment them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from faircmr.core import InvalidModelError, log_omissions
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import Array, FloatArray, SubjectTensors
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.network import REMEDY, Plans
from faircmr.segmentation.prediction.calibration import FoldCalibration, KeyAdjustment, adjust_probabilities
from faircmr.segmentation.prediction.inference import Predictor, Segmenter
from faircmr.segmentation.training import (
    CODE_SEPARATOR,
    JOB_NAME,
    RECORD_NAME,
    FitJob,
    FitRecord,
    TrainedModels,
    describe_differences,
    without_own_model,
)


class Ensemble(Segmenter):
    """Mean probabilities of several networks.

    Args:
        predictors: At least one, all with the same plans.

    Raises:
        InvalidModelError: There is no predictor, or two have different plans; names the differences.
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        if not predictors:
            raise InvalidModelError("ensemble", "no trained network", "at least one", "train the strategy first")
        self.predictors = tuple(predictors)
        self.plans = predictors[0].plans
        for number, predictor in enumerate(predictors[1:], start=2):
            _check_same_plans(f"network {number} of the ensemble", predictor.plans, self.plans, "the first one")

    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """Same as for :class:`~faircmr.segmentation.prediction.Segmenter`; keeps at most two arrays in memory."""
        first, *others = self.predictors
        mean = first.predict(image, box)
        for predictor in others:
            mean += predictor.predict(image, box)
        mean /= len(self.predictors)
        return mean


def load_ensemble(models: TrainedModels, fits: Sequence[FitRecord], inference: InferenceParameters) -> Ensemble:
    """Load the networks of some fits of a strategy.

    Args:
        models: The strategy's models.
        fits: The fits that predict together.
        inference: How to predict.

    Raises:
        InvalidModelError: Weights are missing, damaged, or of another training; names the differences.
    """
    return Ensemble([_predictor(models.folder / one.name, one, inference) for one in fits])


def _predictor(folder: Path, fit: FitRecord, inference: InferenceParameters) -> Predictor:
    _check_same_training(folder, fit)
    predictor = Predictor(folder, inference)
    _check_same_plans(f"weights of {fit.name}", predictor.plans, FitJob.read(folder / JOB_NAME).plans, JOB_NAME)
    return predictor


def _check_same_training(folder: Path, fit: FitRecord) -> None:
    """Raise an error if the folder contains another training than the record in the strategy's models."""
    offender = f"{RECORD_NAME} of {fit.name}"
    try:
        stored = FitRecord.model_validate_json((folder / RECORD_NAME).read_bytes())
    except (OSError, ValidationError):
        raise InvalidModelError(offender, "missing or damaged", "the record of a finished fit", REMEDY) from None
    _raise_if_different(
        offender,
        describe_differences(_training_and_code(stored), _training_and_code(fit)),
        "the fit that the list of the strategy's models names",
    )


def _check_same_plans(offender: str, plans: Plans, expected: Plans, owner: str) -> None:
    differences = describe_differences(
        {"plans": plans.model_dump(mode="json")}, {"plans": expected.model_dump(mode="json")}
    )
    _raise_if_different(offender, differences, f"the plans of {owner}")


def _raise_if_different(offender: str, differences: Sequence[str], permitted: str) -> None:
    if differences:
        raise InvalidModelError(offender, "; ".join(differences), permitted, REMEDY)


def _training_and_code(fit: FitRecord) -> dict[str, str]:
    training, _, code = fit.fingerprint.partition(CODE_SEPARATOR)
    return {"training": training, "code": code}


class Blend(Segmenter):
    """Weighted mean of the probabilities of several segmenters.

    Args:
        segmenters: At least one, all with the same plans.
        weights: One for each; they sum to 1.
    """

    def __init__(self, segmenters: Sequence[Segmenter], weights: Sequence[float]) -> None:
        self.segmenters, self.weights = tuple(segmenters), tuple(weights)
        self.plans = segmenters[0].plans

    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """Same as for :class:`~faircmr.segmentation.prediction.Segmenter`."""
        parts = zip(self.weights, self.segmenters, strict=True)
        mean: FloatArray = np.add.reduce([np.float32(weight) * one.predict(image, box) for weight, one in parts])
        return mean


class Calibrated(Segmenter):
    """A segmenter with calibrated probabilities.

    Args:
        segmenter: Predicts the probabilities.
        adjustment: Of the subject's key.
    """

    def __init__(self, segmenter: Segmenter, adjustment: KeyAdjustment) -> None:
        self.segmenter, self.adjustment, self.plans = segmenter, adjustment, segmenter.plans

    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """Same as for :class:`~faircmr.segmentation.prediction.Segmenter`."""
        return adjust_probabilities(self.segmenter.predict(image, box), self.adjustment)


KeyWeighting = Callable[[Sequence[FitRecord], SubjectTensors, Box | None], Mapping[str, float]]
"""Function that returns the weight of each key for a subject, from fits that serve all subjects; they sum to 1."""
SHARED, WEIGHED = "shared", "weighed"
"""Which networks segment a subject whose key has no network of its own: the shared ones, or all, weighted."""
NO_CALIBRATION = FoldCalibration()
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Routes:
    """Rules that assign networks to subjects.

    Attributes:
        keys: Opaque key of each subject; subjects without one are unknown.
        weigh: Weights of all keys' networks for subjects whose key has no network of its own. If ``None``, the
            networks that serve all subjects segment them.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    weigh: KeyWeighting | None = None


class Router:
    """Selects the networks for each subject among those of one seed and fold, or of all seeds of a fold.

    Args:
        models: Of a strategy.
        fits: The fits of the seed and fold.
        inference: How to predict.
        routes: Which networks segment which subjects.
        calibration: Adjustments of the probabilities, by key.

    Raises:
        InvalidModelError: No fit serves all subjects.
    """

    def __init__(
        self,
        models: TrainedModels,
        fits: Sequence[FitRecord],
        inference: InferenceParameters,
        routes: Routes,
        calibration: FoldCalibration = NO_CALIBRATION,
    ) -> None:
        self.models, self.inference, self.routes = models, inference, routes
        self.adjustments = {one.key: one for one in calibration.adjustments if not one.is_identity}
        predicting = [fit for fit in fits if fit.predicts]
        self.common = tuple(fit for fit in predicting if fit.serves is None)
        self.own: dict[str, list[FitRecord]] = {}
        for fit in predicting:
            if fit.serves is not None:
                self.own.setdefault(fit.serves, []).append(fit)
        if not self.common:
            raise InvalidModelError(
                "models", "no fit that serves all subjects", "at least one", "train the strategy again"
            )
        self._loaded: dict[str, Segmenter] = {}
        self.served: Counter[str] = Counter()

    def of(self, subject: SubjectTensors, box: Box | None) -> tuple[Segmenter, str]:
        """Return and count the segmenter of a subject, and its name: a key, ``shared`` or ``weighed``.

        Raises:
            InvalidModelError: Weights are missing, damaged, of another version or of another training.
        """
        key = self.routes.keys.get(subject.subject_id)
        name = key if key is not None and key in self.own else WEIGHED if self.own and self.routes.weigh else SHARED
        self.served[name] += 1
        segmenter = self._weighed(subject, box) if name == WEIGHED else self._named(name)
        adjustment = self.adjustments.get(key or "")
        return (segmenter if adjustment is None else Calibrated(segmenter, adjustment)), name

    def report(self) -> None:
        """Log how many subjects had a key without its own network, if other keys had one."""
        unknown = self.served[SHARED] + self.served[WEIGHED]
        if self.own:
            weighed = self.routes.weigh is not None
            log_omissions(logger, without_own_model(unknown, self.served.total(), weighed=weighed))

    def _weighed(self, subject: SubjectTensors, box: Box | None) -> Segmenter:
        if self.routes.weigh is None:
            return self._named(SHARED)
        weights = self.routes.weigh(self.common, subject, box)
        return Blend([self._named(key) for key in self.own], [weights.get(key, 0.0) for key in self.own])

    def _named(self, name: str) -> Segmenter:
        if name not in self._loaded:
            fits = self.own.get(name, self.common)
            self._loaded[name] = load_ensemble(self.models, fits, self.inference)
        return self._loaded[name]
