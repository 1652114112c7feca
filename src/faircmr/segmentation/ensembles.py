"""Several networks that segment together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from faircmr.core.errors import InvalidModelError
from faircmr.segmentation.differences import named_differences
from faircmr.segmentation.inference import Predictor, Segmenter
from faircmr.segmentation.jobs import BY, FitJob
from faircmr.segmentation.models import JOB_NAME, RECORD_NAME, FitRecord, TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.resampling import FloatArray
from faircmr.segmentation.roi import Box
from faircmr.segmentation.tensors import Array
from faircmr.segmentation.weights import REMEDY


class Ensemble(Segmenter):
    """The mean of what several networks say.

    Args:
        predictors: At least one, all of the same plans.

    Raises:
        InvalidModelError: There is none, or two have different plans; names what differs.
    """

    def __init__(self, predictors: Sequence[Predictor]) -> None:
        if not predictors:
            raise InvalidModelError("ensemble", "no trained network", "at least one", "train the strategy first")
        self.predictors = tuple(predictors)
        self.plans = predictors[0].plans
        for number, predictor in enumerate(predictors[1:], start=2):
            _check_same_plans(f"network {number} of the ensemble", predictor.plans, self.plans, "the first one")

    def predict(self, image: Array, box: Box | None = None) -> FloatArray:
        """As for :class:`~faircmr.segmentation.inference.Segmenter`; two arrays in memory, however many networks."""
        first, *others = self.predictors
        mean = first.predict(image, box)
        for predictor in others:
            mean += predictor.predict(image, box)
        mean /= len(self.predictors)
        return mean


def load_ensemble(models: TrainedModels, fits: Sequence[FitRecord], inference: InferenceParameters) -> Ensemble:
    """Networks of some fits of a strategy.

    Args:
        models: The strategy's models; says where its fits lie.
        fits: Those that are to predict together.
        inference: How to predict.

    Raises:
        InvalidModelError: Weights are missing, damaged, or not those that this training made; names what
            differs.
    """
    return Ensemble([_predictor(models.folder / one.name, one, inference) for one in fits])


def _predictor(folder: Path, fit: FitRecord, inference: InferenceParameters) -> Predictor:
    _check_same_training(folder, fit)
    predictor = Predictor(folder, inference)
    _check_same_plans(f"weights of {fit.name}", predictor.plans, FitJob.read(folder / JOB_NAME).plans, JOB_NAME)
    return predictor


def _check_same_training(folder: Path, fit: FitRecord) -> None:
    """Refuse a folder that holds another training than the one on the strategy's list."""
    offender = f"{RECORD_NAME} of {fit.name}"
    try:
        found = FitRecord.model_validate_json((folder / RECORD_NAME).read_bytes())
    except (OSError, ValidationError):
        raise InvalidModelError(offender, "missing or damaged", "the record of a finished fit", REMEDY) from None
    _refuse(offender, named_differences(_halves(found), _halves(fit)), "the fit on the list of the strategy's models")


def _check_same_plans(offender: str, there: Plans, here: Plans, whose: str) -> None:
    differing = named_differences({"plans": there.model_dump(mode="json")}, {"plans": here.model_dump(mode="json")})
    _refuse(offender, differing, f"the plans of {whose}")


def _refuse(offender: str, differing: Sequence[str], permitted: str) -> None:
    if differing:
        raise InvalidModelError(offender, "; ".join(differing), permitted, REMEDY)


def _halves(fit: FitRecord) -> dict[str, str]:
    training, _, code = fit.fingerprint.partition(BY)
    return {"training": training, "code": code}
