"""Every fit segments those whom it was not trained on, on the grids of the sources."""

from pathlib import Path

import pytest

from faircmr.core.anatomy import Phase
from faircmr.core.scan import Geometry
from faircmr.segmentation.models import EpochRecord, FitRecord, TrainedModels
from faircmr.segmentation.networks import build_network
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.prediction import predict_fits
from faircmr.segmentation.tensors import TensorStore
from faircmr.segmentation.weights import save_network
from tests.segmentation.phantoms import plans_of

TESTED = {0: ["sub-0001"], 1: ["sub-0004", "sub-0002"]}


@pytest.fixture
def models(tmp_path: Path) -> TrainedModels:
    """A fit of each of two folds."""
    fits = []
    for fold in TESTED:
        name = f"seed-7-fold-{fold}/shared"
        save_network(tmp_path / name / "weights.safetensors", build_network(plans_of(), seed=fold), plans_of())
        history = (EpochRecord(loss=1.0),)
        fits.append(FitRecord(name=name, seed=7, fold=fold, fingerprint="f", history=history, weights_epoch=1))
    return TrainedModels(folder=tmp_path, fits=tuple(fits))


def geometry(subject_id: str, phase: Phase) -> Geometry:
    return Geometry((3, 30, 10 * int(subject_id[-1])), (10.0, 2.5, 8.0))


def test_every_phase_of_every_tested_subject_is_predicted_by_its_own_fold(models: TrainedModels, tensors: Path):
    inference = InferenceParameters(device="cpu", threads=1)

    predictions = list(
        predict_fits(models, TensorStore(tensors), lambda record: TESTED[record.fold], geometry, inference)
    )

    assert [prediction.key for prediction in predictions] == [
        (7, fold, subject_id, phase) for fold, tested in TESTED.items() for subject_id in tested for phase in Phase
    ]
    for prediction in predictions:
        assert prediction.geometry == geometry(prediction.subject_id, prediction.phase)
        assert prediction.label.shape == prediction.geometry.shape


def test_predictions_are_made_as_they_are_asked_for(models: TrainedModels, tensors: Path):
    asked = []

    def counting(subject_id: str, phase: Phase) -> Geometry:
        asked.append((subject_id, phase))
        return geometry(subject_id, phase)

    inference = InferenceParameters(device="cpu", threads=1)
    predictions = predict_fits(models, TensorStore(tensors), lambda record: TESTED[record.fold], counting, inference)
    next(predictions)

    assert asked == [("sub-0001", Phase.ED)]
